/**
 * Prints, as JSON, how the built package compares with upstream in the eyes of the Node that runs this script.
 *
 * It is a process of its own because a test runner has module loading of its own, and because it can so be run on
 * every supported Node, which is also why it is plain JavaScript. It finds the package by self-reference.
 */
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse as parseCjs, init as initCjs } from 'cjs-module-lexer';
import { parse as parseEsm, init as initEsm } from 'es-module-lexer';

/**
 * @typedef {object} Comparison
 * @property {string} subpath
 * @property {boolean} executed false where the files were compared instead, since running them has side effects
 * @property {string[]} upstreamNames
 * @property {string[]} forkNames
 * @property {string[]} differing names of both whose values are not identical
 * @property {boolean} sameNamespace whether the exports objects themselves are identical
 *
 * @typedef {object} Resolution
 * @property {string} subpath
 * @property {'import' | 'require'} condition
 * @property {string} upstream file relative to the package, or why there is none
 * @property {string} fork
 *
 * @typedef {{ modules: string[], resolutions: Resolution[], esm: Comparison[], cjs: Comparison[], cjsFromEsm: Comparison[] }} Facts
 */

const forkName = '@modelcontextprotocol/sdk';
const upstreamName = '@modelcontextprotocol/sdk-upstream';
const require = createRequire(import.meta.url);

/** Both packages map their `package.json` subpath to the one inside dist/cjs. */
const roots = new Map(
    [forkName, upstreamName].map(name => [name, path.resolve(path.dirname(require.resolve(`${name}/package.json`)), '../..')])
);

/** @param {string} name */
function rootOf(name) {
    const root = roots.get(name);
    if (root === undefined) {
        throw new Error(`Unknown package ${name}`);
    }
    return root;
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function listFiles(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap(entry =>
        entry.isDirectory() ? listFiles(path.join(folder, entry.name)).map(name => `${entry.name}/${name}`) : [entry.name]
    );
}

const modules = listFiles(path.join(rootOf(upstreamName), 'dist/esm'))
    .filter(name => name.endsWith('.js'))
    .sort();

/** @type {{ exports: Record<string, unknown> }} */
const upstreamManifest = JSON.parse(readFileSync(path.join(rootOf(upstreamName), 'package.json'), 'utf8'));
const mappedSubpaths = Object.keys(upstreamManifest.exports).filter(key => !key.includes('*'));
const subpaths = [...mappedSubpaths, ...modules.map(name => `./${name}`)];

/** The examples start servers, or connect to some, as soon as they are imported. */
const runsWhenImported = /\/examples\/(server|client)\//;

/**
 * @param {string} name
 * @param {string} subpath
 * @param {'import' | 'require'} condition
 */
function resolve(name, subpath, condition) {
    const specifier = `${name}${subpath.slice(1)}`;
    try {
        const file = condition === 'import' ? fileURLToPath(import.meta.resolve(specifier)) : require.resolve(specifier);
        return existsSync(file) ? path.relative(rootOf(name), realpathSync(file)).split(path.sep).join('/') : 'no such file';
    } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
}

/**
 * Names that an ES module file exports, found without running it.
 *
 * @param {string} file
 * @returns {string[]}
 */
function lexEsm(file) {
    const [imports, exports] = parseEsm(readFileSync(file, 'utf8'), file);
    return exports.flatMap(entry => {
        if (entry.type !== 'reexport-all') {
            return [entry.name];
        }
        const specifier = imports[entry.importIndex]?.specifier;
        const target = specifier?.startsWith('.')
            ? path.resolve(path.dirname(file), specifier)
            : fileURLToPath(import.meta.resolve(String(specifier)));
        return lexEsm(target).filter(name => name !== 'default');
    });
}

/**
 * Names that a CommonJS file exports, found without running it, as Node finds them for importing ES modules.
 *
 * @param {string} file
 * @returns {string[]}
 */
function lexCjs(file) {
    const { exports, reexports } = parseCjs(readFileSync(file, 'utf8'), file);
    return [...exports, ...reexports.flatMap(specifier => lexCjs(createRequire(file).resolve(specifier)))];
}

/** @param {readonly string[]} names */
function sorted(names) {
    // Newer releases of Node add this name to the namespace of every imported CommonJS module.
    return [...new Set(names)].filter(name => name !== 'module.exports').sort();
}

/**
 * @param {string} subpath
 * @param {Record<string, unknown>} fork
 * @param {Record<string, unknown>} upstream
 * @returns {Comparison}
 */
function compareValues(subpath, fork, upstream) {
    const forkNames = sorted(Object.keys(fork));
    const upstreamNames = sorted(Object.keys(upstream));
    const differing = upstreamNames.filter(name => forkNames.includes(name) && fork[name] !== upstream[name]);
    return { subpath, executed: true, forkNames, upstreamNames, differing, sameNamespace: fork === upstream };
}

/**
 * @param {string} subpath
 * @param {'esm' | 'cjs'} kind
 * @returns {Comparison}
 */
function compareFiles(subpath, kind) {
    const [forkNames, upstreamNames] = [forkName, upstreamName].map(name => {
        const file = path.join(rootOf(name), 'dist', kind, subpath);
        return sorted(kind === 'esm' ? lexEsm(file) : lexCjs(file));
    });
    return {
        subpath,
        executed: false,
        forkNames: forkNames ?? [],
        upstreamNames: upstreamNames ?? [],
        differing: [],
        sameNamespace: false
    };
}

/**
 * @param {(subpath: string) => Promise<Comparison> | Comparison} compare
 * @param {'esm' | 'cjs'} kind
 */
async function compareAll(compare, kind) {
    /** @type {Comparison[]} */
    const comparisons = [];
    for (const subpath of modules.map(name => `./${name}`)) {
        comparisons.push(runsWhenImported.test(subpath) ? compareFiles(subpath, kind) : await compare(subpath));
    }
    return comparisons;
}

await Promise.all([initEsm(), initCjs()]);

/** @type {Facts} */
const facts = {
    modules,
    resolutions: subpaths.flatMap(subpath =>
        /** @type {const} */ (['import', 'require']).map(condition => ({
            subpath,
            condition,
            upstream: resolve(upstreamName, subpath, condition),
            fork: resolve(forkName, subpath, condition)
        }))
    ),
    esm: await compareAll(
        async subpath =>
            compareValues(subpath, await import(`${forkName}${subpath.slice(1)}`), await import(`${upstreamName}${subpath.slice(1)}`)),
        'esm'
    ),
    cjs: await compareAll(
        subpath => compareValues(subpath, require(`${forkName}${subpath.slice(1)}`), require(`${upstreamName}${subpath.slice(1)}`)),
        'cjs'
    ),
    cjsFromEsm: await compareAll(async subpath => {
        const [fork, upstream] = [forkName, upstreamName].map(name => pathToFileURL(path.join(rootOf(name), 'dist/cjs', subpath)).href);
        return compareValues(subpath, await import(String(fork)), await import(String(upstream)));
    }, 'cjs')
};

process.stdout.write(`${JSON.stringify(facts)}\n`);
