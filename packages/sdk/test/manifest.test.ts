import { expect, test } from 'vitest';
import { forkRoot, readManifest, upstreamName, upstreamRoot } from './support/packages.js';

const fork = readManifest(forkRoot);
const upstream = readManifest(upstreamRoot);

test.each(['type', 'exports', 'typesVersions', 'engines', 'peerDependencies', 'peerDependenciesMeta', 'files'] as const)(
    'has the %s of upstream',
    field => {
        expect(fork[field]).toEqual(upstream[field]);
    }
);

test('depends on exactly one release of upstream, the one it stands in for', () => {
    expect(fork.dependencies[upstreamName]).toBe(`npm:@modelcontextprotocol/sdk@${upstream.version}`);
});

test('runs nothing when it is installed or packed', () => {
    const lifecycle = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare', 'prepack', 'postpack'];
    expect(Object.keys(fork.scripts).filter(name => lifecycle.includes(name))).toEqual([]);
});
