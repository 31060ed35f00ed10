/**
 * Compiles a package of this workspace twice, to ES modules in dist/esm and to CommonJS in dist/cjs.
 *
 * Files are replaced in place and only superfluous ones are removed, so a process which uses the previous build
 * meanwhile never finds dist empty.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SetupError, workspaceRoot } from './toolchain.mjs';

/** @typedef {'esm' | 'cjs'} ModuleKind */

/** @type {readonly ModuleKind[]} */
export const moduleKinds = ['esm', 'cjs'];

/**
 * Relative paths, with forward slashes, of the files below a folder; empty if there is no such folder.
 *
 * @param {string} folder
 * @returns {string[]}
 */
export function listFiles(folder) {
    if (!existsSync(folder)) {
        return [];
    }
    return readdirSync(folder, { withFileTypes: true })
        .flatMap(entry =>
            entry.isDirectory() ? listFiles(path.join(folder, entry.name)).map(name => `${entry.name}/${name}`) : [entry.name]
        )
        .sort();
}

/**
 * Names, without extension, of the TypeScript modules in a source folder.
 *
 * @param {string} sourceFolder
 */
export function listModules(sourceFolder) {
    return listFiles(sourceFolder)
        .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
        .map(name => name.slice(0, -'.ts'.length));
}

/**
 * Brings a folder to exactly the given content, touching only what differs.
 *
 * @param {string} folder
 * @param {ReadonlyMap<string, string>} files text by relative path
 * @param {ReadonlySet<string>} [alsoKept] files which somebody else writes
 */
export function syncFolder(folder, files, alsoKept = new Set()) {
    for (const [name, text] of files) {
        const file = path.join(folder, name);
        if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
            mkdirSync(path.dirname(file), { recursive: true });
            writeFileSync(file, text);
        }
    }
    for (const name of listFiles(folder)) {
        if (!files.has(name) && !alsoKept.has(name)) {
            rmSync(path.join(folder, name));
        }
    }
}

/**
 * @param {string} packageFolder
 * @param {ModuleKind} kind
 * @returns {Promise<void>}
 */
function compile(packageFolder, kind) {
    const tsc = path.join(workspaceRoot, 'node_modules/typescript/bin/tsc');
    const options = kind === 'esm' ? [] : ['--module', 'commonjs', '--moduleResolution', 'bundler'];
    const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', `dist/${kind}`, ...options];
    return new Promise((resolve, reject) => {
        spawn(process.execPath, args, { cwd: packageFolder, stdio: 'inherit' })
            .on('error', reject)
            .on('exit', code => (code === 0 ? resolve() : reject(new SetupError(`The ${kind} build failed.`))));
    });
}

/**
 * Builds `src` with the package's tsconfig.build.json into dist/esm and dist/cjs.
 *
 * @param {string} packageFolder
 * @param {(kind: ModuleKind) => ReadonlyMap<string, string>} [generate] files to place beside the compiled ones
 * @param {Record<string, unknown>} [imports] the `imports` field of package.json, with paths relative to the source folder
 */
export async function buildDualPackage(packageFolder, generate = () => new Map(), imports = undefined) {
    const modules = listModules(path.join(packageFolder, 'src'));
    const compiled = new Set(modules.flatMap(name => [`${name}.js`, `${name}.js.map`, `${name}.d.ts`]));

    // One after the other, for an error in the sources to be reported once.
    for (const kind of moduleKinds) {
        if (modules.length > 0) {
            await compile(packageFolder, kind);
        }
        const generated = new Map(generate(kind));
        // Tells Node, and TypeScript, which kind of module the .js files beside it are.
        generated.set('package.json', `${JSON.stringify({ type: kind === 'esm' ? 'module' : 'commonjs', imports })}\n`);
        syncFolder(path.join(packageFolder, 'dist', kind), generated, compiled);
    }
}
