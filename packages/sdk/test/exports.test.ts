import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { init, parse } from 'es-module-lexer';
import { beforeAll, describe, expect, test } from 'vitest';
import { forkRoot, isReplaced, upstreamRoot } from './support/packages.js';

interface Comparison {
    subpath: string;
    executed: boolean;
    upstreamNames: string[];
    forkNames: string[];
    differing: string[];
    sameNamespace: boolean;
}

interface Facts {
    modules: string[];
    resolutions: { subpath: string; condition: string; upstream: string; fork: string }[];
    esm: Comparison[];
    cjs: Comparison[];
    cjsFromEsm: Comparison[];
}

let facts: Facts;

beforeAll(async () => {
    const script = path.join(import.meta.dirname, 'support/module-facts.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script], { maxBuffer: 64 * 1024 * 1024 });
    facts = JSON.parse(stdout) as Facts;
});

test('all of upstream is compared', () => {
    expect(facts.modules).toContain('types.js');
    expect(facts.modules).toContain('server/mcp.js');
    expect(facts.modules.length).toBeGreaterThan(80);
    expect(facts.resolutions.map(({ subpath }) => subpath)).toContain('./validation/cfworker');
});

test('every subpath of upstream leads to the file of the same name', () => {
    const differing = facts.resolutions.filter(({ fork, upstream }) => fork !== upstream);
    expect(differing).toEqual([]);
});

describe.each(['esm', 'cjs', 'cjsFromEsm'] as const)('modules loaded as %s', kind => {
    test('export what upstream exports', () => {
        expect(facts[kind]).toHaveLength(facts.modules.length);
        const missing = facts[kind]
            .map(({ subpath, forkNames, upstreamNames }) => ({ subpath, names: upstreamNames.filter(name => !forkNames.includes(name)) }))
            .filter(({ names }) => names.length > 0);
        expect(missing).toEqual([]);
    });

    test('export nothing else where upstream is re-exported', () => {
        const additional = facts[kind]
            .filter(({ subpath }) => !isReplaced(subpath))
            .map(({ subpath, forkNames, upstreamNames }) => ({ subpath, names: forkNames.filter(name => !upstreamNames.includes(name)) }))
            .filter(({ names }) => names.length > 0);
        expect(additional).toEqual([]);
    });

    test('export the very values of upstream where upstream is re-exported', () => {
        const others = facts[kind].filter(({ subpath, differing }) => !isReplaced(subpath) && differing.length > 0);
        expect(others).toEqual([]);
    });
});

test('a re-exported CommonJS module is upstream’s exports object itself', () => {
    const copies = facts.cjs.filter(({ subpath, executed, sameNamespace }) => executed && !sameNamespace && !isReplaced(subpath));
    expect(copies).toEqual([]);
});

test('no re-exported module brings back a module that the fork replaces', async () => {
    await init();
    // The examples are programs for reading, which start upstream’s own server.
    const reexported = facts.modules.filter(module => !isReplaced(module) && !module.startsWith('examples/'));
    const importers = reexported.flatMap(module => {
        const [imports] = parse(readFileSync(path.join(upstreamRoot, 'dist/esm', module), 'utf8'), module);
        return imports
            .flatMap(({ specifier }) => (specifier?.startsWith('.') ? [path.posix.join(path.posix.dirname(module), specifier)] : []))
            .filter(isReplaced)
            .map(target => `${module} imports ${target}`);
    });
    expect(importers).toEqual([]);
});

test('tests load the built package as Node does, with one instance of each class', () => {
    // Node, unlike the test runner, loads what `require` asks for, and the same instance as for its own `import`.
    const file = path.join(forkRoot, 'dist/esm/server/streamableHttp.js');
    expect(createRequire(import.meta.url)(file)).toHaveProperty('StreamableHTTPServerTransport', StreamableHTTPServerTransport);
});
