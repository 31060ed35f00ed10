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
        const files = await readdir(path.join(checkout, 'src/server'), { recursive: true });
        const ours = files.filter(name => name.endsWith('.ts') && name !== 'webStandardStreamableHttp.ts');
        const ofTheSdk = [
            'types.js',
            'auth/types.js',
            'shared/transport.js',
            'shared/mediaType.js',
            'experimental/tasks/interfaces.js',
            'server/sseKeepAlive.js'
        ];
        const missing: string[] = [];
        for (const name of ours) {
            const text = await read(`src/server/${name}`);
            for (const [, target = ''] of text.matchAll(/from '(\.[^']+)'/g)) {
                const file = path.join('src/server', path.dirname(name), target);
                if (
                    !ofTheSdk.some(known => file.endsWith(known)) &&
                    !files.includes(path.relative('src/server', file.replace(/js$/, 'ts')))
                ) {
                    missing.push(`${name}: ${target}`);
                }
            }
        }
        expect(ours.length).toBeGreaterThan(40);
        expect(missing).toEqual([]);
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

/** Folder of a v1.x checkout with its dependencies installed: what the SDK's own tests say is worth their minute. */
const realCheckout = process.env.UPSTREAM_CHECKOUT;

describe.skipIf(realCheckout === undefined)('a checkout of the SDK (UPSTREAM_CHECKOUT)', () => {
    it('passes its own tests with all changes', { timeout: 600_000 }, async () => {
        const copy = await mkdtemp(path.join(tmpdir(), 'upstream-copy-'));
        try {
            await cp(realCheckout ?? '', copy, { recursive: true, filter: name => path.basename(name) !== 'node_modules' });
            await symlink(path.join(realCheckout ?? '', 'node_modules'), path.join(copy, 'node_modules'));
            await run(process.execPath, [path.join(upstream, 'apply.mjs'), '0,1,2,3,4', copy], { timeout });
            const { stdout } = await run('npm', ['test'], { cwd: copy, timeout: 600_000, maxBuffer: 2 ** 28 });
            expect(stdout).toMatch(/sessionHandler\.test\.ts/);
        } finally {
            await rm(copy, { recursive: true, force: true });
        }
    });
});
