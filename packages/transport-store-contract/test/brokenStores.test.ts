/** The suite itself is tested: a store that breaks a rule fails the case of that rule, and each case is failed by some such store. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { contractCases, runCase } from '../src/index.js';
import { brokenBackends } from './brokenStores/brokenBackends.js';
import { brokenInboxes } from './brokenStores/brokenInboxes.js';
import { brokenSessions } from './brokenStores/brokenSessions.js';
import { brokenStreams } from './brokenStores/brokenStreams.js';

const brokenStores = [...brokenSessions, ...brokenStreams, ...brokenInboxes, ...brokenBackends];

beforeAll(() => void vi.useFakeTimers().setTimerTickMode('nextTimerAsync'));
afterAll(() => void vi.useRealTimers());

describe.each(brokenStores)('a store that $defect', ({ fails, backend }) => {
    test.each(fails)('fails the case %s', async id => {
        const contractCase = contractCases.find(candidate => candidate.id === id);
        expect(contractCase, `there is a case ${id}`).toBeDefined();
        await expect(runCase(contractCase!, backend())).rejects.toMatchObject({ name: 'AssertionError' });
    });
});

test('every case is failed by some broken store', () => {
    const failed = new Set(brokenStores.flatMap(({ fails }) => fails));
    expect(contractCases.map(({ id }) => id).filter(id => !failed.has(id))).toEqual([]);
});

test('ids of cases are different', () => {
    const ids = contractCases.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});
