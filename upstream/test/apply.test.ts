import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const upstream = path.join(import.meta.dirname, '..');
const timeout = 30_000;

/** The least that the changes look for, in a class of our own that has the same names. */
const transport = `import { nothing } from './nothing.js';

export interface WebStandardStreamableHTTPServerTransportOptions {
    sessionIdGenerator?: () => string;
}

export class WebStandardStreamableHTTPServerTransport {
    private _closed = false;

    constructor(options: WebStandardStreamableHTTPServerTransportOptions = {}) {
        nothing(options);
    }

    async start(): Promise<void> {
        nothing();
    }

    async handleRequest(): Promise<void> {
        nothing();
    }

    private async handlePostRequest(): Promise<void> {
        if (this.sessionId && this._onsessioninitialized) {
            nothing();
        }
    }

    async send(): Promise<void> {
        for (const stream of this.streams) {
            if (this._enableJsonResponse && stream.resolveJson) {
                stream.resolveJson();
            }
        }
    }

    async close(): Promise<void> {
        nothing();
    }
}
`;
const source = 'src/server/webStandardStreamableHttp.ts';

const protocol = `export class Protocol {
    private async _oncancel(notification: CancelledNotification): Promise<void> {
        if (!notification.params.requestId) {
            return;
        }
        nothing(notification);
    }
}
`;

describe('a checkout', () => {
    let checkout: string;

    async function put(file: string, text: string): Promise<void> {
        await mkdir(path.dirname(path.join(checkout, file)), { recursive: true });
        await writeFile(path.join(checkout, file), text);
    }

    const read = (file: string): Promise<string> => readFile(path.join(checkout, file), 'utf8');

    /** The modules of a folder that were added to it, and what they import that is not there. */
    async function modulesOf(folder: string, own: string): Promise<{ files: string[]; missing: string[] }> {
        const all = await readdir(path.join(checkout, folder), { recursive: true });
        const files = all.filter(name => name.endsWith('.ts') && name !== own);
        const missing: string[] = [];
        for (const name of files) {
            for (const [, target = ''] of (await read(path.join(folder, name))).matchAll(/from '(\.[^']+)'/g)) {
                const module = path.join(path.dirname(name), target.replace(/\.js$/, '') + '.ts');
                if (!all.includes(module)) {
                    missing.push(path.join(folder, path.dirname(name), target));
                }
            }
        }
        return { files, missing };
    }

    function apply(changes: string): Promise<{ stdout: string }> {
        return run(process.execPath, [path.join(upstream, 'apply.mjs'), changes, checkout], { timeout });
    }

    beforeEach(async () => {
        checkout = await mkdtemp(path.join(tmpdir(), 'upstream-test-'));
        await put('package.json', '{}');
        await put(source, transport);
        await mkdir(path.join(checkout, 'node_modules'));
        await symlink(path.join(upstream, 'node_modules/typescript'), path.join(checkout, 'node_modules/typescript'));
    });

    afterEach(() => rm(checkout, { recursive: true, force: true }));

    it('gets lines at the places that were meant, and keeps all of its own', { timeout }, async () => {
        const { stdout } = await apply('0,1');
        const changed = await read(source);
        expect(changed).toMatch(/stream\.resolveJson\(\);\n {20}stream\.cleanup\(\);\n {12}}/);
        expect(changed).toMatch(/async close\(\): Promise<void> {\n {8}this\._restoring\?\.abandon\(\);\n {8}nothing\(\);/);
        expect(changed).toMatch(/nothing\(\);\n {8}await this\._restoring\?\.run/);
        const kept = changed.split('\n');
        for (const line of transport.split('\n')) {
            expect(kept).toContain(line);
        }
        expect(stdout).toContain('npm run lint:fix');
    });

    it('gets a session handler that names no module which is not there', { timeout }, async () => {
        await apply('1,2');
        const ofTheSdk = [
            'types.js',
            'auth/types.js',
            'shared/transport.js',
            'shared/mediaType.js',
            'experimental/tasks/interfaces.js',
            'server/sseKeepAlive.js'
        ];
        const { files, missing } = await modulesOf('src/server', 'webStandardStreamableHttp.ts');
        expect(files.length).toBeGreaterThan(40);
        expect(missing.filter(name => !ofTheSdk.some(known => name.endsWith(known)))).toEqual([]);
    });

    it('is changed only once', { timeout }, async () => {
        await apply('1');
        const once = await read(source);
        await expect(apply('1')).rejects.toThrow(/has this change already/);
        expect(await read(source)).toBe(once);
    });

    it('gets one condition changed, once', { timeout }, async () => {
        await put('src/shared/protocol.ts', protocol);
        await apply('4');
        const changed = protocol.replace('(!notification.params.requestId)', '(notification.params.requestId === undefined)');
        expect(await read('src/shared/protocol.ts')).toBe(changed);
        await expect(apply('4')).rejects.toThrow(/has no "if of notification, params, requestId in method _oncancel" any more/);
        expect(await read('src/shared/protocol.ts')).toBe(changed);
    });

    it('is left as it is when a place has moved', { timeout }, async () => {
        const moved = transport.replace('async send(', 'async write(');
        await put(source, moved);
        await expect(apply('1')).rejects.toThrow(/has no "method send" any more; the change must be looked at anew/);
        expect(await read(source)).toBe(moved);
        expect(await readdir(path.join(checkout, 'src/server'))).toEqual(['webStandardStreamableHttp.ts']);
    });

    it('is left as it is when a place is there twice', { timeout }, async () => {
        const twice = transport.replace('async close', 'async send(): Promise<void> {}\n\n    async close');
        await put(source, twice);
        await expect(apply('0')).rejects.toThrow(/has 2 places like "method send"/);
        expect(await read(source)).toBe(twice);
    });

    it('keeps a file of its own that has the name of an added one', { timeout }, async () => {
        await put('src/server/session/replay.ts', 'something else');
        await expect(apply('1')).rejects.toThrow(/replay\.ts is there already, with other content/);
        expect(await read(source)).toBe(transport);
    });

    it('gets documentation only of what it has', { timeout }, async () => {
        await put(
            'src/examples/README.md',
            '# Examples\n\n#### Persistent Storage Mode\n\nold\n\n##### Deeper\n\nold\n\n#### Next\n\nkept\n'
        );
        await expect(apply('3')).rejects.toThrow(/sessionHandler\.ts is missing[^]*apply those first/);
        await apply('1,2,3');
        const readme = await read('src/examples/README.md');
        expect(readme).toContain('createSessionHandler');
        expect(readme).toMatch(/#### Next\n\nkept\n$/);
        expect(readme).not.toMatch(/^old$/m);
    });

    describe('of main', () => {
        const server = 'packages/server/src';

        beforeEach(async () => {
            await rm(path.join(checkout, 'src'), { recursive: true });
            await put(`${server}/server/streamableHttp.ts`, transport);
            await put(`${server}/index.ts`, "export { nothing } from './nothing';\n");
        });

        it('gets a session handler that names no module which is not there', { timeout }, async () => {
            await apply('1,2');
            const { files, missing } = await modulesOf(`${server}/server`, 'streamableHttp.ts');
            expect(files.length).toBeGreaterThan(40);
            expect(missing.sort()).toEqual([`${server}/server/createMcpHandler`, `${server}/server/sseKeepAlive`]);
        });

        it('gets no tasks and no `node:` modules', { timeout }, async () => {
            await apply('1,2');
            const { files } = await modulesOf(`${server}/server`, 'streamableHttp.ts');
            for (const name of files) {
                expect(await read(`${server}/server/${name}`)).not.toMatch(/from 'node:|TaskMessage/);
            }
            expect(await read(`${server}/server/transportFactory.ts`)).toContain('readonly transport: Transport;\n}');
        });

        it('exports what it gets', { timeout }, async () => {
            await apply('1,2');
            const index = await read(`${server}/index.ts`);
            expect(index).toMatch(/^export { nothing } from '\.\/nothing';$/m);
            expect(index).toContain("export { createSessionHandler } from './server/sessionHandler';");
            for (const [, names = '', module = ''] of index.matchAll(/^export (?:type )?{([^}]+)} from '(\.\/server\/[^']+)'/gm)) {
                const text = await read(path.join(server, `${module}.ts`));
                for (const name of names.split(',')) {
                    expect(text).toMatch(new RegExp(`export (?:type )?(?:(?:interface|type|class|function) |{[^}]*)${name.trim()}\\b`));
                }
            }
        });

        it('is left as it is when it has been changed', { timeout }, async () => {
            await apply('1,2');
            const index = await read(`${server}/index.ts`);
            await expect(apply('2')).rejects.toThrow(/index\.ts has this change already/);
            expect(await read(`${server}/index.ts`)).toBe(index);
        });
    });

    it('has to have its dependencies', { timeout }, async () => {
        await rm(path.join(checkout, 'node_modules'), { recursive: true });
        await expect(apply('0')).rejects.toThrow(/run `npm ci` there first/);
    });

    it('has to be one', { timeout }, async () => {
        await rm(path.join(checkout, 'src'), { recursive: true });
        await expect(apply('0')).rejects.toThrow(/is no checkout of modelcontextprotocol\/typescript-sdk/);
        await expect(apply('9')).rejects.toThrow(/There is no change 9/);
    });
});

/** Folders of checkouts with their dependencies installed: what the SDK's own tests say is worth their minutes. */
const realCheckouts = [
    { branch: 'v1.x', folder: process.env.UPSTREAM_CHECKOUT, changes: '0,1,2,3,4', tests: '.' },
    { branch: 'main', folder: process.env.UPSTREAM_MAIN_CHECKOUT, changes: '1,2,3', tests: 'packages/server' }
];

describe.each(realCheckouts)('a checkout of the SDK, branch $branch', ({ folder = '', changes, tests }) => {
    it.skipIf(folder === '')('passes its own tests with all changes', { timeout: 600_000 }, async () => {
        const copy = await mkdtemp(path.join(tmpdir(), 'upstream-copy-'));
        try {
            await cp(folder, copy, { recursive: true, verbatimSymlinks: true });
            await run(process.execPath, [path.join(upstream, 'apply.mjs'), changes, copy], { timeout });
            const { stdout } = await run('npm', ['test'], { cwd: path.join(copy, tests), timeout: 600_000, maxBuffer: 2 ** 28 });
            expect(stdout).toMatch(/sessionHandler\.test\.ts/);
        } finally {
            await rm(copy, { recursive: true, force: true });
        }
    });
});
