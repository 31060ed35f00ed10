/**
 * Builds the package: our own modules from `src`, and for every other module of upstream a re-export of the pinned
 * upstream release. A module in `src` with the path of an upstream module replaces it.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDualPackage, listModules, syncFolder } from '../../../scripts/dual-package.mjs';
import { runMain } from '../../../scripts/toolchain.mjs';
import { hasDefaultExport, listUpstreamModules, upstreamName } from './upstream.mjs';

const packageFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const ownModules = new Set(listModules(path.join(packageFolder, 'src')));
const reexportedModules = await Promise.all(
    listUpstreamModules()
        .filter(name => !ownModules.has(name))
        .map(async name => ({ name, hasDefault: await hasDefaultExport(name) }))
);

/** @typedef {{ name: string, hasDefault: boolean }} UpstreamModule */

/** @param {UpstreamModule} module */
function esmReexport({ name, hasDefault }) {
    const specifier = `'${upstreamName}/${name}.js'`;
    return `export * from ${specifier};\n${hasDefault ? `export { default } from ${specifier};\n` : ''}`;
}

/**
 * This form keeps the identity of the exports object, and Node finds the names for `import { name }` through it.
 *
 * @param {UpstreamModule} module
 */
function cjsReexport({ name }) {
    return `'use strict';\nmodule.exports = require('${upstreamName}/${name}.js');\n`;
}

const declarations = reexportedModules.map(module => /** @type {const} */ ([`${module.name}.d.ts`, esmReexport(module)]));

syncFolder(path.join(packageFolder, '.build/upstream'), new Map(declarations));

/** Node 18 has Web Crypto in a module of its own, other runtimes have it globally; tsconfig.json knows the name by `paths`. */
const imports = { '#crypto': { node: './server/http/nodeCrypto.js', default: './server/http/webCrypto.js' } };

await runMain(() =>
    buildDualPackage(
        packageFolder,
        kind => {
            const reexport = kind === 'esm' ? esmReexport : cjsReexport;
            return new Map([
                ...declarations,
                ...reexportedModules.map(module => /** @type {const} */ ([`${module.name}.js`, reexport(module)]))
            ]);
        },
        imports
    )
);
