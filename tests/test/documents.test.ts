import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { registerTransportStoreContract } from '@modelcontextprotocol/transport-store-contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../packages/transport-store-redis/test/support/freePort.ts';
import { findRedis, type TestRedis } from '../../packages/transport-store-redis/test/support/redisServer.ts';

const root = path.resolve(import.meta.dirname, '../..');
const documents = globSync(['*.md', '{docs,conformance,bench,upstream}/*.md', '{packages,examples}/*/*.md'], { cwd: root })
    .filter(name => !name.endsWith('CHANGELOG.md'))
    .sort();
/** Its example is about a database and a store that the reader has. */
const aboutCodeOfTheReader = ['packages/transport-store-contract/README.md'];

/** Programs of the documents: each one that serves is here, and run by a test. */
const programsOfReadme = ['README/express.js', 'README/fetch.js'];
const programsToCall = [
    'docs/quick-start/express.js',
    'docs/quick-start/fastify.js',
    'docs/quick-start/hono.js',
    'docs/quick-start/node.js',
    'docs/quick-start/fetch.js',
    'docs/bring-your-own-database/ownDatabase.js',
    'docs/from-map-to-store/before.js',
    'docs/from-map-to-store/after.js',
    'docs/production/main.js',
    'docs/security/localhost.js'
];

/** Where the TypeScript of the documents is written to and compiled: a folder that is ignored by git, and finds this package's imports. */
const workshop = path.join(import.meta.dirname, '../.build/documents');

function textOf(document: string): string {
    return readFileSync(path.join(root, document), 'utf8');
}

describe.each(documents)('%s', document => {
    const text = textOf(document);

    test('links to what is there', () => {
        const targets = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#[^)]*)?\)/g)].map(match => match[1] ?? '');
        expect(targets.filter(target => !existsSync(path.resolve(root, path.dirname(document), target)))).toEqual([]);
    });

    test('names tests that exist', () => {
        const tests = [...text.matchAll(/`((?:tests|conformance|release|demo|packages)\/[\w./-]+\.test\.ts)`/g)].map(
            match => match[1] ?? ''
        );
        expect(tests.filter(file => !existsSync(path.join(root, file)))).toEqual([]);
    });

    test('names commands that exist', () => {
        const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
        const commands = [...text.matchAll(/\bnpm run (?:--?\w+ )*([\w:]+)/g)].map(match => match[1] ?? '');
        expect(commands.filter(command => !(command in scripts))).toEqual([]);
    });
});

describe('TypeScript in the documents', () => {
    beforeAll(async () => {
        await rm(workshop, { recursive: true, force: true });
        const serverOfReadme = [...filesIn(textOf('README.md'))].filter(([name]) => name === 'server.ts');
        for (const document of documents.filter(name => !aboutCodeOfTheReader.includes(name))) {
            const folder = path.join(workshop, 'src', document.replace(/\.md$/, ''));
            await mkdir(folder, { recursive: true });
            // The examples of all documents are about the server of the README.
            for (const [name, code] of new Map([...serverOfReadme, ...filesIn(textOf(document))])) {
                await writeFile(path.join(folder, name), code);
            }
        }
        const compilerOptions = { rootDir: 'src', outDir: 'out', noUnusedLocals: false };
        const tsconfig = { extends: '../../../tsconfig.base.json', compilerOptions, include: ['src'] };
        await writeFile(path.join(workshop, 'tsconfig.json'), JSON.stringify(tsconfig));
    });

    test('compiles', async () => {
        const tsc = path.join(root, 'node_modules/.bin/tsc');
        const output = await new Promise<string>(resolve => {
            execFile(tsc, ['-p', workshop], (_error, stdout, stderr) => resolve(stdout + stderr));
        });
        expect(output).toBe('');
    });

    test('runs below, where it is a program that serves', () => {
        const programs = documents.flatMap(document =>
            [...filesIn(textOf(document))]
                .filter(([, code]) => /\.listen\(|\bserve\(\{|export default/.test(code))
                .map(([name]) => `${document.replace(/\.md$/, '')}/${name.replace(/\.ts$/, '.js')}`)
        );
        expect(programs.toSorted()).toEqual([...programsOfReadme, ...programsToCall].toSorted());
    });

    describe('runs', () => {
        let redis: TestRedis;
        const processes: ChildProcess[] = [];
        const start = (...parameters: Parameters<typeof spawn>): ChildProcess => {
            const child = spawn(...parameters);
            processes.push(child);
            return child;
        };

        beforeAll(async () => {
            redis = await findRedis();
        });

        /** Starts a program of a document, and calls its tool. */
        async function callTool(file: string): Promise<unknown> {
            const port = await freePort();
            const env = { ...process.env, REDIS_URL: redis.url, PORT: String(port) };
            const program = path.join(workshop, 'out', file);
            let url = `http://127.0.0.1:${port}/mcp`;
            if (file.endsWith('/fetch.js')) {
                const serveModule = path.join(import.meta.dirname, 'support/serveModule.ts');
                const child = start(process.execPath, [serveModule, program], { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
                [url] = (await once(child, 'message')) as [string];
            } else {
                await untilAnswers(url, start(process.execPath, [program], { env, stdio: 'inherit' }));
            }
            const client = new Client({ name: 'reader', version: '1' });
            await client.connect(new StreamableHTTPClientTransport(new URL(url)));
            const { content } = await client.callTool({ name: 'greet' });
            await client.close();
            return content;
        }

        test.each(programsToCall)('%s', async file => {
            expect(JSON.stringify(await callTool(file))).toMatch(/^\[\{"type":"text","text":"(Welcome|Hello), [\w-]+"\}\]$/);
        });

        afterAll(async () => {
            processes.forEach(child => child.kill('SIGKILL'));
            await redis.dispose();
        });

        describe('docs/writing-a-store/recordsStore.js', () => {
            let store: TransportStore;

            beforeAll(async () => {
                const { RecordsStore } = z
                    .object({ RecordsStore: z.custom<new () => TransportStore>(value => typeof value === 'function') })
                    .parse(await import(path.join(workshop, 'out/docs/writing-a-store/recordsStore.js')));
                store = new RecordsStore();
            });

            // Its backend is the object itself, which all handles share. It has records only, so the other cases are left out.
            registerTransportStoreContract(
                {
                    describe,
                    test: Object.assign((name: string, body: () => Promise<void>) => test(name, body), {
                        skip: () => undefined
                    })
                },
                { capabilities: [], open: async () => ({ store, close: async () => {} }) }
            );
        });

        test('the guard of docs/security.md lets neither foreign hosts nor foreign origins in', async () => {
            const port = await freePort();
            const program = path.join(workshop, 'out/docs/security/localhost.js');
            const url = `http://127.0.0.1:${port}/mcp`;
            await untilAnswers(url, start(process.execPath, [program], { env: { ...process.env, PORT: String(port) }, stdio: 'inherit' }));
            const statusWith = async (headers: Record<string, string>): Promise<number | undefined> => {
                const [response] = (await once(get(url, { headers }), 'response')) as [IncomingMessage];
                response.resume();
                return response.statusCode;
            };
            expect(await statusWith({ host: 'rebound.example.com' })).toBe(403);
            expect(await statusWith({ origin: 'https://elsewhere.example.com' })).toBe(403);
            expect(await statusWith({ origin: 'http://localhost:6274', accept: 'text/event-stream' })).toBe(400);
        });

        test('the README as three nodes, and its way to see that they share a session', async () => {
            const ports = [await freePort(), await freePort(), await freePort()];
            let script = [...textOf('README.md').matchAll(/^```sh\n(post\(\).*?)^```$/gms)].map(match => match[1]).join('');
            for (const [index, port] of ports.entries()) {
                const env = { ...process.env, REDIS_URL: redis.url, PORT: String(port) };
                const node = start(process.execPath, [path.join(workshop, 'out/README/express.js')], { env, stdio: 'inherit' });
                await untilReady(`http://127.0.0.1:${port}/healthz`, node);
                script = script.replaceAll(`300${index + 1}`, String(port));
            }
            const { stdout } = await promisify(execFile)('sh', ['-c', script]);
            expect(stdout).toMatch(/HTTP\/1.1 202 Accepted.*HTTP\/1.1 200 OK.*"Welcome back, [\w-]+"/s);
        });

        test('the README as two nodes of one session, on Express and as a fetch handler under Hono', async () => {
            const port = await freePort();
            const env = { ...process.env, REDIS_URL: redis.url, PORT: String(port) };
            const express = start(process.execPath, [path.join(workshop, 'out/README/express.js')], { env, stdio: 'inherit' });
            const hono = start(
                process.execPath,
                [path.join(import.meta.dirname, 'support/serveModule.ts'), path.join(workshop, 'out/README/fetch.js')],
                { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] }
            );
            const [honoUrl] = (await once(hono, 'message')) as [string];
            await untilReady(`http://127.0.0.1:${port}/healthz`, express);

            const first = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`));
            await new Client({ name: 'reader', version: '1' }).connect(first);
            const { sessionId } = first;
            const second = new StreamableHTTPClientTransport(new URL(honoUrl), { sessionId });
            const client = new Client({ name: 'reader', version: '1' });
            await client.connect(second);
            const { content } = await client.callTool({ name: 'greet' });
            expect(content).toEqual([{ type: 'text', text: `Welcome back, ${sessionId}` }]);

            await first.close();
            await client.close();
            express.kill('SIGTERM');
            expect(await once(express, 'exit')).toEqual([0, null]);
        });
    });
});

describe('the options in the README', () => {
    test('are those of the session handler, with their defaults', async () => {
        const source = await readFile(path.join(root, 'packages/sdk/src/server/session/sessionHandlerOptions.ts'), 'utf8');
        expect(optionsInTable(textOf('README.md'))).toEqual(optionsInSource(source));
    });
});

/** Blocks of TypeScript as files. The first line of a block may name its file, and say that it goes on with an earlier one. */
function filesIn(markdown: string): Map<string, string> {
    const files = new Map<string, string>();
    for (const [index, [, code = '']] of [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].entries()) {
        const name = /^\/\/ (\S+\.ts)(?:, continued)?\n/.exec(code)?.[1] ?? `block${index + 1}.ts`;
        files.set(name, (files.get(name) ?? '') + code);
    }
    return files;
}

/** Names of options and their defaults; an option without one is `''`. */
function optionsInTable(markdown: string): Record<string, string> {
    const section = /^## Options$(.*?)^## /ms.exec(markdown)?.[1] ?? '';
    const rows = [...section.matchAll(/^\| `(\w+)` +\| (.*?) *\|/gm)];
    return Object.fromEntries(rows.map(([, name = '', preset = '']) => [name, preset.replaceAll('`', '')]));
}

function optionsInSource(source: string): Record<string, string> {
    const body = /export interface SessionHandlerOptions \{(.*?)^\}/ms.exec(source)?.[1] ?? '';
    const members = [...body.matchAll(/\/\*\*(.*?)\*\/\s+(\w+)\?:/gs)];
    return Object.fromEntries(
        members.map(([, docs = '', name = '']) => [name, /Default: (.*?)(?:, which .*)?\.\s*$/.exec(docs)?.[1]?.replaceAll('`', '') ?? ''])
    );
}

/** Waits until a server answers anything. @throws {Error} if its process ends before. */
async function untilAnswers(url: string, server: ChildProcess): Promise<void> {
    while (server.exitCode === null && server.signalCode === null) {
        if (
            await fetch(url).then(
                () => true,
                () => false
            )
        ) {
            return;
        }
        await delay(50);
    }
    throw new Error(`The server ended with ${server.exitCode ?? server.signalCode}`);
}

/** Waits until a server answers 200. @throws {Error} if its process ends before. */
async function untilReady(url: string, server: ChildProcess): Promise<void> {
    while (server.exitCode === null && server.signalCode === null) {
        const status = await fetch(url).then(
            response => response.status,
            () => undefined
        );
        if (status === 200) {
            return;
        }
        await delay(50);
    }
    throw new Error(`The server ended with ${server.exitCode ?? server.signalCode}`);
}
