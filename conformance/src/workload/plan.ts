import { Random } from './random.ts';

/** Something that a client does in its session. Nodes are numbers, counted round. */
export type Step =
    | { readonly kind: 'call'; readonly node: number }
    /** Calls `sleep`; with `disconnect`, leaves after the first progress and resumes at another node. */
    | {
          readonly kind: 'sleep';
          readonly node: number;
          readonly ms: number;
          readonly steps: number;
          readonly disconnect: boolean;
          readonly elsewhere: number;
      }
    /** Calls `sleep` and cancels it. */
    | { readonly kind: 'cancel'; readonly node: number; readonly elsewhere: number }
    | { readonly kind: 'ask'; readonly node: number; readonly elsewhere: number; readonly text: string }
    | { readonly kind: 'announce'; readonly node: number; readonly text: string; readonly count: number }
    /** Ends the session, and uses it once more. */
    | { readonly kind: 'delete'; readonly node: number; readonly elsewhere: number };

/** What the client of one session does, one after the other. */
export interface SessionPlan {
    readonly maker: number;
    /** Where it listens, and goes on listening when the stream ends. */
    readonly listens: readonly number[];
    readonly steps: readonly Step[];
}

export interface WorkloadSize {
    readonly nodes: number;
    readonly sessions: number;
    /** How much each client does. */
    readonly steps: number;
}

const kinds = ['call', 'call', 'sleep', 'sleep', 'disconnect', 'cancel', 'ask', 'ask', 'announce', 'announce'] as const;
const listeningTurns = 64;

/** What clients do. The same seed and size make the same plan. */
export function planWorkload(seed: number, { nodes, sessions, steps }: WorkloadSize): SessionPlan[] {
    const random = new Random(seed);
    return Array.from({ length: sessions }, (_, index) => planSession(random.fork(), index, nodes, steps));
}

function planSession(random: Random, session: number, nodes: number, length: number): SessionPlan {
    const node = () => random.between(0, nodes - 1);
    const steps = Array.from({ length }, (_, index) => planStep(random, node, `${session}/${index}`));
    const isDeleted = random.next() < 0.4;
    return {
        maker: node(),
        listens: Array.from({ length: listeningTurns }, node),
        steps: isDeleted ? [...steps, { kind: 'delete', node: node(), elsewhere: node() }] : steps
    };
}

function planStep(random: Random, node: () => number, text: string): Step {
    const kind = random.pick(kinds);
    switch (kind) {
        case 'call':
            return { kind, node: node() };
        case 'sleep':
        case 'disconnect':
            return {
                kind: 'sleep',
                node: node(),
                elsewhere: node(),
                ms: random.between(20, 400),
                steps: 5,
                disconnect: kind === 'disconnect'
            };
        case 'cancel':
            return { kind, node: node(), elsewhere: node() };
        case 'ask':
            return { kind, node: node(), elsewhere: node(), text: `question ${text}` };
        case 'announce':
            return { kind, node: node(), text: `announcement ${text}`, count: random.between(1, 5) };
    }
}
