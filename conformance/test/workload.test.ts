import { describe, expect, it } from 'vitest';
import { planWorkload } from '../src/workload/plan.ts';
import { Random } from '../src/workload/random.ts';

const size = { nodes: 3, sessions: 6, steps: 40 };

describe('a workload', () => {
    it('is the same for the same seed', () => {
        expect(planWorkload(7, size)).toEqual(planWorkload(7, size));
    });

    it('is another for another seed', () => {
        expect(planWorkload(7, size)).not.toEqual(planWorkload(8, size));
    });

    it('does to one session what it would do without the ones after it', () => {
        expect(planWorkload(7, size).slice(0, 2)).toEqual(planWorkload(7, { ...size, sessions: 2 }));
    });

    it('consists of everything that a client does, at every node', () => {
        const steps = planWorkload(7, size).flatMap(plan => plan.steps);
        expect([...new Set(steps.map(({ kind }) => kind))].toSorted()).toEqual(['announce', 'ask', 'call', 'cancel', 'delete', 'sleep']);
        expect([...new Set(steps.map(({ node }) => node))].toSorted()).toEqual([0, 1, 2]);
        expect(steps.some(step => step.kind === 'sleep' && step.disconnect)).toBe(true);
    });

    it('says nothing after it has deleted its session', () => {
        for (const { steps } of planWorkload(7, { ...size, sessions: 50 })) {
            expect(steps.slice(0, -1).some(({ kind }) => kind === 'delete')).toBe(false);
        }
    });
});

it('random numbers reach both ends of what was asked for, and not beyond', () => {
    const random = new Random(1);
    expect([...new Set(Array.from({ length: 500 }, () => random.between(2, 5)))].toSorted()).toEqual([2, 3, 4, 5]);
    expect(() => random.pick([])).toThrow(RangeError);
});
