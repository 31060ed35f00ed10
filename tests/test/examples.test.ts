import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Secret, Service } from 'kubernetes-models/v1';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { freePort } from '../../packages/transport-store-redis/test/support/freePort.ts';
import { findRedis, type TestRedis } from '../../packages/transport-store-redis/test/support/redisServer.ts';

const examples = path.resolve(import.meta.dirname, '../../examples');
const run = promisify(execFile);

let folder: string;
const processes: ChildProcess[] = [];

beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'examples-'));
});

afterEach(async () => {
    const running = processes.splice(0).filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    await Promise.all(running.map(stop));
    await rm(folder, { recursive: true, force: true });
});

async function stop(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit');
    // nginx ends its own worker processes, if it is let.
    child.kill(child.spawnfile === 'nginx' ? 'SIGTERM' : 'SIGKILL');
    await ended;
}

interface RunningNode {
    readonly url: string;
    readonly process: ChildProcess;
}

async function start(example: string, env: Record<string, string>): Promise<RunningNode> {
    const port = await freePort();
    const child = spawn(process.execPath, [path.join(examples, example, 'server.ts')], {
        env: { ...process.env, ...env, PORT: String(port) },
        stdio: ['ignore', 'ignore', 'inherit']
    });
    processes.push(child);
    const url = `http://127.0.0.1:${port}`;
    await untilAnswers(url, child);
    return { url, process: child };
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
    while (child.exitCode === null && child.signalCode === null) {
        const answered = await fetch(url).then(
            () => true,
            () => false
        );
        if (answered) {
            return;
        }
        await delay(50);
    }
    throw new Error(`The process ended with ${child.exitCode ?? child.signalCode}`);
}

async function connect(url: string, sessionId?: string): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
    const client = new Client({ name: 'a reader', version: '1.0.0' }, { capabilities: { elicitation: {} } });
    const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), sessionId === undefined ? {} : { sessionId });
    await client.connect(transport);
    return { client, transport };
}

const toolResult = z.object({ content: z.tuple([z.object({ text: z.string() })]) });

async function callTool(client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> {
    return toolResult.parse(await client.callTool({ name, arguments: args })).content[0].text;
}

describe('express-redis', () => {
    let redis: TestRedis;

    beforeAll(async () => {
        redis = await findRedis();
    });

    afterAll(() => redis.dispose());

    async function startReplicas(): Promise<RunningNode[]> {
        return Promise.all(['mcp-1', 'mcp-2', 'mcp-3'].map(name => start('express-redis', { NODE_NAME: name, REDIS_URL: redis.url })));
    }

    async function startNginx(replicas: readonly RunningNode[]): Promise<string> {
        const port = await freePort();
        let configuration = (await readFile(path.join(examples, 'express-redis/nginx.conf'), 'utf8'))
            .replace('listen 8080', `listen 127.0.0.1:${port}`)
            .replace('/tmp/nginx.pid', path.join(folder, 'nginx.pid'))
            .replace(
                'http {',
                `http { client_body_temp_path ${folder}; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;`
            );
        replicas.forEach(({ url }, index) => {
            configuration = configuration.replace(`mcp-${index + 1}:3000`, new URL(url).host);
        });
        const file = path.join(folder, 'nginx.conf');
        await writeFile(file, configuration);
        await run('nginx', ['-t', '-c', file]);
        const nginx = spawn('nginx', ['-c', file, '-g', 'daemon off;'], { stdio: ['ignore', 'ignore', 'inherit'] });
        processes.push(nginx);
        const url = `http://127.0.0.1:${port}`;
        await untilAnswers(url, nginx);
        return url;
    }

    test(
        'three replicas behind its nginx serve one session, questions to the user included, and one of them may die',
        { timeout: 60_000 },
        async () => {
            const replicas = await startReplicas();
            const url = await startNginx(replicas);
            const { client } = await connect(url);
            client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: {} }));

            const answered = new Set<string>();
            for (let call = 0; call < 6; call++) {
                answered.add(await callTool(client, 'where'));
            }
            expect([...answered].toSorted()).toEqual(['mcp-1', 'mcp-2', 'mcp-3']);
            for (let call = 0; call < 3; call++) {
                expect(await callTool(client, 'order', { item: 'tea' })).toMatch(/^mcp-\d has ordered tea$/);
            }

            const [, second] = replicas;
            second?.process.kill('SIGKILL');
            await once(second!.process, 'exit');
            for (let call = 0; call < 6; call++) {
                expect(['mcp-1', 'mcp-3']).toContain(await callTool(client, 'where'));
            }
            await client.close();
        }
    );

    test('a replica that is told to stop is not ready any more, and ends by itself', async () => {
        const replica = await start('express-redis', { NODE_NAME: 'mcp-1', REDIS_URL: redis.url });
        expect((await fetch(`${replica.url}/readyz`)).status).toBe(200);
        replica.process.kill('SIGTERM');
        expect(await once(replica.process, 'exit')).toEqual([0, null]);
    });

    test('its compose file runs the replicas that its nginx knows, and gives them time to drain', async () => {
        const file: unknown = parse(await readFile(path.join(examples, 'express-redis/compose.yaml'), 'utf8'), { merge: true });
        const { services } = z.object({ services: z.record(z.string(), z.record(z.string(), z.unknown())) }).parse(file);
        const nginx = await readFile(path.join(examples, 'express-redis/nginx.conf'), 'utf8');
        const replicas = Object.keys(services).filter(name => name.startsWith('mcp-'));
        expect([...nginx.matchAll(/server (\S+):3000;/g)].map(([, name]) => name)).toEqual(replicas);
        for (const name of replicas) {
            expect(services[name]).toMatchObject({
                environment: { NODE_NAME: name, REDIS_URL: 'redis://redis:6379' },
                stop_grace_period: '30s',
                build: { dockerfile: 'examples/express-redis/Dockerfile' }
            });
        }
        expect(services['redis']?.['command']).toContain('noeviction');
        expect(services['proxy']?.['ports']).toEqual(['127.0.0.1:8080:8080']);
    });
});

test('hono-sqlite: two processes serve one session, which outlives both', { timeout: 60_000 }, async () => {
    const env = { SESSIONS: path.join(folder, 'sessions.db'), NODE_NO_WARNINGS: '1' };
    const [first, second] = await Promise.all([start('hono-sqlite', env), start('hono-sqlite', env)]);
    const begun = await connect(first.url);
    const { sessionId } = begun.transport;
    expect(await callTool(begun.client, 'where')).toBe(`${first.process.pid} has begun ${sessionId}`);
    const goesOn = await connect(second.url, sessionId);
    expect(await callTool(goesOn.client, 'where')).toBe(`${second.process.pid} goes on with ${sessionId}`);
    await Promise.all([begun.client.close(), goesOn.client.close()]);
    for (const { process: child } of [first, second]) {
        child.kill('SIGTERM');
        expect(await once(child, 'exit')).toEqual([0, null]);
    }
    const third = await start('hono-sqlite', env);
    const again = await connect(third.url, sessionId);
    expect(await callTool(again.client, 'where')).toBe(`${third.process.pid} goes on with ${sessionId}`);
    await again.transport.terminateSession();
    await again.client.close();
});

test('own-database: a session goes on in another process, which knows its client', { timeout: 60_000 }, async () => {
    const env = { DATABASE: path.join(folder, 'application.db'), NODE_NO_WARNINGS: '1' };
    const first = await start('own-database', env);
    const begun = await connect(first.url);
    const { sessionId } = begun.transport;
    expect(await callTool(begun.client, 'whoami')).toBe(`a reader, ${first.process.pid}`);
    await begun.client.close();
    first.process.kill('SIGKILL');
    const second = await start('own-database', env);
    const again = await connect(second.url, sessionId);
    expect(await callTool(again.client, 'whoami')).toBe(`a reader, ${second.process.pid}`);
    await again.transport.terminateSession();
    const headers = { 'mcp-session-id': sessionId ?? '', accept: 'text/event-stream' };
    expect((await fetch(`${second.url}/mcp`, { headers })).status).toBe(404);
    await again.client.close();
});

describe('kubernetes', () => {
    const models = [
        (manifest: unknown) => (Deployment.is(manifest) ? new Deployment(manifest) : undefined),
        (manifest: unknown) => (StatefulSet.is(manifest) ? new StatefulSet(manifest) : undefined),
        (manifest: unknown) => (PodDisruptionBudget.is(manifest) ? new PodDisruptionBudget(manifest) : undefined),
        (manifest: unknown) => (Service.is(manifest) ? new Service(manifest) : undefined),
        (manifest: unknown) => (Secret.is(manifest) ? new Secret(manifest) : undefined)
    ];

    async function manifestsOf(file: string): Promise<unknown[]> {
        const documents = parseAllDocuments(await readFile(path.join(examples, 'kubernetes', file), 'utf8'));
        return documents.map(document => z.unknown().parse(document.toJS()));
    }

    async function deployment(): Promise<Deployment> {
        const [manifest] = await manifestsOf('deployment.yaml');
        if (!Deployment.is(manifest)) {
            throw new Error('deployment.yaml holds no Deployment');
        }
        return new Deployment(manifest);
    }

    test('all of its manifests are valid, and named by its kustomization', async () => {
        const [kustomization] = await manifestsOf('kustomization.yaml');
        const kinds: string[] = [];
        for (const file of z.object({ resources: z.array(z.string()) }).parse(kustomization).resources) {
            for (const manifest of await manifestsOf(file)) {
                const [model] = models.flatMap(make => make(manifest) ?? []);
                expect(() => model?.validate()).not.toThrow();
                kinds.push(model?.kind ?? 'of an unknown kind');
            }
        }
        expect(kinds.toSorted()).toEqual(['Deployment', 'PodDisruptionBudget', 'Secret', 'Service', 'Service', 'StatefulSet']);
    });

    test('a field of the wrong type would be found', async () => {
        const wrong = await deployment();
        Object.assign(wrong.spec ?? {}, { replicas: 'three' });
        expect(() => wrong.validate()).toThrow(/replicas/);
    });

    test('three pods without affinity; what asks the store decides on readiness only; the drain has its time', async () => {
        const { spec } = await deployment();
        const [service] = await manifestsOf('service.yaml');
        expect(service).toMatchObject({ spec: { sessionAffinity: 'None' } });
        const [container] = spec?.template.spec?.containers ?? [];
        expect(spec?.replicas).toBe(3);
        expect(container?.readinessProbe?.httpGet?.path).toBe('/readyz');
        expect(container?.livenessProbe?.httpGet?.path).toBe('/livez');
        const server = await readFile(path.join(examples, 'express-redis/server.ts'), 'utf8');
        const deadlineSeconds = Number(/deadlineMs: ([\d_]+)/.exec(server)?.[1]?.replaceAll('_', '')) / 1000;
        const preStopSeconds = container?.lifecycle?.preStop?.sleep?.seconds ?? Infinity;
        expect(spec?.template.spec?.terminationGracePeriodSeconds).toBeGreaterThan(deadlineSeconds + preStopSeconds);
    });
});
