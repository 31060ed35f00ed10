import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { describeError, UsageError } from '../errors.ts';

/** Folder of the targets that the suite brings along. */
export const shippedTargets = path.resolve(import.meta.dirname, '../../targets');

const features = ['resumable', 'sse', 'json', 'auth', 'ttl', 'server-requests', 'standalone-stream', 'logging', 'batches'] as const;

const common = {
    $schema: z.string().optional(),
    /** What it is, in a sentence. */
    description: z.string().min(1),
    /** Features that the server does not have, with the reason. Requirements that need them do not apply. */
    lacks: z.partialRecord(z.enum(features), z.string().min(1)).default({}),
    /** File of known failures, relative to the target's. Default: there are none. */
    baseline: z.string().optional()
};

const launched = z.strictObject({
    ...common,
    /** Command that runs one node, with its arguments, in the folder of the target's file. `node` is the Node that runs the suite. */
    command: z.array(z.string().min(1)).min(1).optional(),
    /** Command that is run once, before the first node and in the same folder: an installation or a build. */
    prepare: z.array(z.string().min(1)).min(1).optional(),
    /** Image that runs one node; `fixture:NAME` is one of `conformance/fixtures`. */
    image: z.string().min(1).optional(),
    /** What the nodes share: `memory` (nothing), `sqlite` or `redis`, which are started, or the URL of a server that runs. */
    store: z.union([z.enum(['memory', 'sqlite', 'redis']), z.url()]),
    /** How many nodes to run. */
    nodes: z.number().int().min(1).max(9).default(3),
    /** Further variables for every node. */
    environment: z.record(z.string(), z.string()).default({})
});

const runnable = launched.refine(({ command, image }) => command !== undefined || image !== undefined, {
    error: 'Name a command or an image that runs a node, or urls of nodes that run already'
});

const settings = z.strictObject({
    auth: z.literal('bearer').optional(),
    sessionTtlMs: z.number().int().positive().optional(),
    responseMode: z.enum(['sse', 'json']).optional(),
    resumable: z.boolean().optional()
});

const remote = z.strictObject({
    ...common,
    /** MCP endpoints of nodes that run already, each of which is one node. */
    urls: z.array(z.url()).min(1),
    /** MCP endpoint of what stands before the nodes. */
    proxyUrl: z.url().optional(),
    /** How the nodes are configured. Checks that need other settings are not run. */
    settings: settings.default({})
});

interface Origin {
    readonly name: string;
    /** Folder of the file that describes it. */
    readonly folder: string;
}

/** A server that the suite runs by itself. */
export type LaunchedTarget = z.infer<typeof launched> & Origin;

/** Nodes that somebody else runs. */
export type RemoteTarget = z.infer<typeof remote> & Origin;

/** A server that is to be judged. */
export type Target = LaunchedTarget | RemoteTarget;

export function isRemote(target: Target): target is RemoteTarget {
    return 'urls' in target;
}

/** How many nodes there are. */
export function nodeCount(target: Target): number {
    return isRemote(target) ? target.urls.length : target.nodes;
}

/** Names of the targets that the suite brings along. */
export async function listTargets(): Promise<string[]> {
    const files = await readdir(shippedTargets);
    return files
        .filter(file => file.endsWith('.json'))
        .map(file => path.basename(file, '.json'))
        .sort();
}

/**
 * Reads the description of a target.
 * @param nameOrFile a shipped target (`redis` is short for `sdk-redis`), or the path of a JSON file.
 * @throws {UsageError} if there is none, or it is wrong.
 */
export async function loadTarget(nameOrFile: string): Promise<Target> {
    const file = await findTarget(nameOrFile);
    const name = path.basename(file, '.json');
    try {
        const content: unknown = JSON.parse(await readFile(file, 'utf8'));
        const isListOfUrls = typeof content === 'object' && content !== null && 'urls' in content;
        const origin = { name, folder: path.dirname(file) };
        return isListOfUrls ? { ...remote.parse(content), ...origin } : { ...runnable.parse(content), ...origin };
    } catch (cause) {
        const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : describeError(cause);
        throw new UsageError(`${file} does not describe a target: ${reason}`, { cause });
    }
}

async function findTarget(nameOrFile: string): Promise<string> {
    if (nameOrFile.includes('/') || nameOrFile.endsWith('.json')) {
        return path.resolve(nameOrFile);
    }
    const names = await listTargets();
    const name = [nameOrFile, `sdk-${nameOrFile}`].find(candidate => names.includes(candidate));
    if (name === undefined) {
        throw new UsageError(`There is no target ${nameOrFile}. Name one of ${names.join(', ')}, or the path of a JSON file.`);
    }
    return path.join(shippedTargets, `${name}.json`);
}
