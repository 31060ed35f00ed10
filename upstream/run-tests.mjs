#!/usr/bin/env node
/**
 * Runs the tests of a checkout of modelcontextprotocol/typescript-sdk, branch v1.x, on the fork as it is built: the modules that the fork
 * replaces are swapped for the built ones while the test runner of the checkout runs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Checkout, installOf } from './lib/checkout.mjs';
import { ApplyError } from './lib/errors.mjs';
import { ownSources } from './lib/ownSources.mjs';

const usage = `Usage: node upstream/run-tests.mjs CHECKOUT [ARGUMENTS OF VITEST]

  CHECKOUT  folder of a checkout of modelcontextprotocol/typescript-sdk, branch v1.x, with its dependencies installed

Example: node upstream/run-tests.mjs ../typescript-sdk test/server`;

const built = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../packages/sdk/dist/esm/server');
const mark = '// Swapped while tests run';

function main([folder, ...args]) {
    if (folder === undefined) {
        throw new ApplyError(usage);
    }
    const checkout = new Checkout(folder);
    if (checkout.branch !== 'v1.x') {
        throw new ApplyError('The fork is one of v1.x; the packages of main have other modules');
    }
    const runner = path.join(checkout.folder, 'node_modules/vitest/vitest.mjs');
    if (!existsSync(runner)) {
        throw new ApplyError(`The dependencies of ${checkout.folder} are not installed: run \`${installOf('v1.x')}\` there first`);
    }
    const replaced = ownSources().filter(file => existsSync(path.join(checkout.folder, 'src/server', file)));
    const originals = new Map(replaced.map(file => [file, originalOf(checkout, file)]));
    try {
        for (const file of originals.keys()) {
            const target = pathToFileURL(path.join(built, file.replace(/ts$/, 'js')));
            writeFileSync(path.join(checkout.folder, 'src/server', file), `${mark}\nexport * from '${target}';\n`);
        }
        console.log(`Replaced: ${replaced.join(', ')}`);
        const { status } = spawnSync(process.execPath, [runner, 'run', ...args], { cwd: checkout.folder, stdio: 'inherit' });
        process.exitCode = status ?? 1;
    } finally {
        for (const [file, text] of originals) {
            writeFileSync(path.join(checkout.folder, 'src/server', file), text);
        }
    }
}

function originalOf(checkout, file) {
    if (!existsSync(path.join(built, file.replace(/ts$/, 'js')))) {
        throw new ApplyError('The fork is not built: run `npm run setup` first');
    }
    const text = readFileSync(path.join(checkout.folder, 'src/server', file), 'utf8');
    if (text.startsWith(mark)) {
        throw new ApplyError(`src/server/${file} is still swapped, since a run was killed: \`git checkout -- src/server\` brings it back`);
    }
    return text;
}

// Ends after the test runner, which gets the signal too.
process.on('SIGINT', () => undefined);

try {
    main(process.argv.slice(2));
} catch (error) {
    if (!(error instanceof ApplyError)) {
        throw error;
    }
    console.error(error.message);
    process.exitCode = 1;
}
