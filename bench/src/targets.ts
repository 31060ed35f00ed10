import type { ServerSetup } from './servers/messages.ts';

/** Where the stores of a run are. */
export interface Places {
    readonly redisUrl: string;
    /** Path of a SQLite file that nobody has used. */
    newSqliteFile(): string;
}

/** An implementation that is measured. */
export interface Target {
    readonly title: string;
    setup(places: Places): Omit<ServerSetup, 'json'>;
}

function target(title: string, setup: (places: Places) => Omit<ServerSetup, 'json'>): Target {
    return { title, setup };
}

const memory = { storeUrl: 'memory:' };

/** All that can be measured, by name. */
export const targets = {
    bare: target('`node:http` echo, no MCP', () => ({ implementation: 'bare', resumable: false, ...memory })),
    upstream: target('unmodified SDK, `Map`', () => ({ implementation: 'upstream', resumable: false, ...memory })),
    'upstream-resumable': target('unmodified SDK, `Map`, events in memory', () => ({
        implementation: 'upstream',
        resumable: true,
        ...memory
    })),
    transports: target('transports of the fork, `Map`', () => ({ implementation: 'transports', resumable: false, ...memory })),
    memory: target('session handler, memory, not resumable', () => ({ implementation: 'handler', resumable: false, ...memory })),
    'memory-resumable': target('session handler, memory', () => ({ implementation: 'handler', resumable: true, ...memory })),
    sqlite: target('session handler, SQLite, not resumable', places => ({
        implementation: 'handler',
        resumable: false,
        storeUrl: `sqlite://${places.newSqliteFile()}`
    })),
    'sqlite-resumable': target('session handler, SQLite', places => ({
        implementation: 'handler',
        resumable: true,
        storeUrl: `sqlite://${places.newSqliteFile()}`
    })),
    redis: target('session handler, Redis, not resumable', places => ({
        implementation: 'handler',
        resumable: false,
        storeUrl: places.redisUrl
    })),
    'redis-resumable': target('session handler, Redis', places => ({
        implementation: 'handler',
        resumable: true,
        storeUrl: places.redisUrl
    })),
    'mcp-use': target('mcp-use, Redis, not resumable', places => ({
        implementation: 'mcp-use',
        resumable: false,
        storeUrl: places.redisUrl
    })),
    wrong: target('answers wrongly', () => ({ implementation: 'wrong', resumable: false, ...memory }))
} satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;

export function isTarget(name: string): name is TargetName {
    return name in targets;
}
