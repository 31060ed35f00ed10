import { readFileSync, readdirSync } from 'node:fs';

const server = new URL('../../packages/sdk/src/server/', import.meta.url);

/**
 * A module of the fork as it fits a branch of the SDK.
 * @param {string} file below `packages/sdk/src/server`
 * @param {'v1.x' | 'main'} branch
 * @param {string} sdk what to import in place of the module `http/sdk.js`; default: that module
 */
export function ownSource(file, branch, sdk) {
    let text = readFileSync(new URL(file, server), 'utf8');
    // Upstream relies on the global, which Node 18 has behind a flag only.
    text = text.replace("import { crypto } from '#crypto';\n\n", '').replace("import { crypto } from '#crypto';\n", '');
    if (sdk !== undefined) {
        text = text.replace(/from '(?:\.\.\/http|\.)\/sdk\.js'/g, `from '${sdk}'`);
    }
    if (branch === 'main') {
        text = text.replace(/from '(\.[^']*)\.js'/g, "from '$1'");
    }
    return text;
}

/** All modules that the fork adds or replaces, below `packages/sdk/src/server`. */
export function ownSources() {
    return readdirSync(server, { recursive: true })
        .filter(name => name.endsWith('.ts'))
        .map(name => name.replaceAll('\\', '/'))
        .sort();
}
