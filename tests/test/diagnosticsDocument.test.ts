import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Words in the first column of the table in docs/diagnostics.md. */
function documentedEvents(): string[] {
    const text = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8');
    return [...text.matchAll(/^\| `([\w.-]+)`/gm)].map(match => match[1] ?? '');
}

function emittedEvents(): string[] {
    const source = readFileSync(new URL('../../packages/sdk/src/server/session/sessionEvents.ts', import.meta.url), 'utf8');
    return [...source.matchAll(/readonly type: '([\w.-]+)'/g)].map(match => match[1] ?? '');
}

test('docs/diagnostics.md lists the events that a session handler emits, no more and no fewer', () => {
    expect(emittedEvents().length).toBeGreaterThan(5);
    expect(documentedEvents().sort()).toEqual(emittedEvents().sort());
});
