/**
 * Finds and runs the tools of the workspace. Runs on Node 18 and later, without any dependency, because it is what
 * installs the dependencies and the Node release that everything else runs on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const workspaceRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const oldestNode = 18;
const developmentNode = 24;

/** An error whose message says all that the user needs; it is shown without a stack trace. */
export class SetupError extends Error {}

/**
 * Runs the main function of a script and turns its failure into an exit code.
 *
 * @param {() => Promise<number | void>} main
 */
export async function runMain(main) {
    try {
        process.exitCode = (await main()) ?? 0;
    } catch (error) {
        console.error(error instanceof SetupError ? `\n${error.message}` : error);
        process.exitCode = 1;
    }
}

/** @param {string} text */
function majorOf(text) {
    return Number(/^v?(\d+)\./.exec(text)?.[1] ?? 0);
}

export function requireSupportedNode() {
    if (majorOf(process.version) < oldestNode) {
        throw new SetupError(`This workspace needs Node ${oldestNode} or newer to set itself up; this is Node ${process.version}.`);
    }
}

/** @returns {string} path of the Node executable that development commands run on */
export function findDevelopmentNode() {
    const executable = process.platform === 'win32' ? 'node.exe' : 'node';
    const installed = path.join(workspaceRoot, 'node_modules/node/bin', executable);
    const result = spawnSync(installed, ['--version'], { encoding: 'utf8' });
    if (result.status === 0 && majorOf(result.stdout) >= developmentNode) {
        return installed;
    }
    if (majorOf(process.version) >= developmentNode) {
        return process.execPath;
    }
    throw new SetupError(
        `The npm package "node" did not bring Node ${developmentNode} (${installed} does not run).\n` +
            `Its install script runs npm, which therefore has to be on the PATH. Remove node_modules and try again,\n` +
            `or use Node ${developmentNode} yourself.`
    );
}

/**
 * The environment for commands on the development Node: whatever they start by the name `node` is that Node too.
 *
 * @param {string} node
 * @returns {NodeJS.ProcessEnv}
 */
function environmentFor(node) {
    const pathName = Object.keys(process.env).find(name => name.toUpperCase() === 'PATH') ?? 'PATH';
    const folders = [path.dirname(node), path.join(workspaceRoot, 'node_modules/.bin'), process.env[pathName] ?? ''];
    return { ...process.env, [pathName]: folders.join(path.delimiter) };
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>} the exit code
 */
export function run(command, args, options = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, { stdio: 'inherit', cwd: workspaceRoot, ...options });
        // A terminal sends Ctrl-C to the child as well, which decides how to end; other senders only reach us.
        const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
        const ignore = () => {};
        process.on('SIGTERM', forward).on('SIGINT', ignore);
        const done = () => process.off('SIGTERM', forward).off('SIGINT', ignore);
        child.on('error', error => {
            done();
            reject(error);
        });
        child.on('exit', code => {
            done();
            resolve(code ?? 1);
        });
    });
}

/**
 * Runs JavaScript on the development Node.
 *
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function runNode(args, options = {}) {
    const node = findDevelopmentNode();
    return run(node, args, { env: environmentFor(node), ...options });
}

/** Packages whose command is not called like the package. */
const packageOfTool = new Map([
    ['changeset', '@changesets/cli'],
    ['tsc', 'typescript']
]);

/**
 * Runs the command of an installed package, such as `vitest`, on the development Node.
 *
 * @param {string} tool
 * @param {readonly string[]} args
 */
export function runTool(tool, args) {
    const folder = path.join(workspaceRoot, 'node_modules', packageOfTool.get(tool) ?? tool);
    /** @type {{ bin?: string | Record<string, string> }} */
    const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const entry = typeof bin === 'string' ? bin : bin?.[tool];
    if (entry === undefined) {
        throw new SetupError(`The package in ${folder} has no command "${tool}".`);
    }
    return runNode([path.join(folder, entry), ...args]);
}

/**
 * Runs npm with the Node of this process; inside `npm run` it is the same npm, elsewhere the one on the PATH.
 *
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
function runNpm(args, options = {}) {
    const { npm_execpath: script } = process.env;
    if (script !== undefined && /npm-cli\.c?js$/.test(script)) {
        return run(process.execPath, [script, ...args], options);
    }
    return run('npm', args, { shell: process.platform === 'win32', ...options });
}

/**
 * Runs the pnpm release that package.json names, fetched through npm.
 *
 * @param {readonly string[]} args
 */
export function runPnpm(args) {
    /** @type {{ packageManager: string }} */
    const { packageManager } = JSON.parse(readFileSync(path.join(workspaceRoot, 'package.json'), 'utf8'));
    return runNpm(['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm', ...args]);
}

/**
 * Runs the `build` script of a package on the development Node.
 *
 * @param {string} folder
 */
export function runBuildScript(folder) {
    return runNpm(['run', '--silent', 'build'], { cwd: folder, env: environmentFor(findDevelopmentNode()) });
}
