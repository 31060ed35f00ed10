/** What the build needs to know of the upstream release, found without executing any of its modules. */
import { init, parse } from 'es-module-lexer';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { listFiles } from '../../../scripts/dual-package.mjs';

/** The name under which package.json installs the pinned upstream release. */
export const upstreamName = '@modelcontextprotocol/sdk-upstream';

/** The folder with upstream's `esm` and `cjs` builds. */
export const upstreamDist = path.resolve(
    // Upstream's `./*` export maps this to the package.json inside one of the two builds.
    path.dirname(createRequire(import.meta.url).resolve(`${upstreamName}/package.json`)),
    '..'
);

/**
 * Names, without extension, of all modules of upstream.
 *
 * @returns {string[]}
 */
export function listUpstreamModules() {
    return listFiles(path.join(upstreamDist, 'esm'))
        .filter(name => name.endsWith('.js'))
        .map(name => name.slice(0, -'.js'.length));
}

/**
 * `export *` leaves default exports out, so the build has to know where there are any.
 *
 * @param {string} name
 * @returns {Promise<boolean>}
 */
export async function hasDefaultExport(name) {
    await init();
    const [, exports] = parse(readFileSync(path.join(upstreamDist, 'esm', `${name}.js`), 'utf8'), name);
    return exports.some(entry => entry.type !== 'reexport-all' && entry.name === 'default');
}
