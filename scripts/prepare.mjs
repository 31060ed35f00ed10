/**
 * Brings the working copy into a state in which commands can run: dependencies as pnpm-lock.yaml says, and every
 * package built from its present sources. Does nothing where nothing changed since the last time.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { listFiles } from './dual-package.mjs';
import { SetupError, requireSupportedNode, runBuildScript, runPnpm, workspaceRoot } from './toolchain.mjs';
import { listPackages } from './workspace-packages.mjs';

/** @typedef {import('./workspace-packages.mjs').WorkspacePackage} WorkspacePackage */

const installStamp = path.join(workspaceRoot, 'node_modules/.workspace-install');
const buildStamps = path.join(workspaceRoot, '.build/stamps');
const lockFile = path.join(workspaceRoot, '.build/prepare.lock');
const lockTimeout = 10 * 60_000;

/**
 * @param {readonly string[]} files
 * @param {readonly string[]} extra further text to take into account
 */
function fingerprint(files, extra = []) {
    const hash = createHash('sha256');
    for (const file of files) {
        hash.update(`${path.relative(workspaceRoot, file)}\0`);
        hash.update(existsSync(file) ? readFileSync(file) : 'absent');
        hash.update('\0');
    }
    return hash.update(extra.join('\0')).digest('hex');
}

/** @param {string} file */
function readStamp(file) {
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/**
 * @param {string} file
 * @param {string} text
 */
function writeStamp(file, text) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
}

function installFingerprint() {
    const manifests = [workspaceRoot, ...listPackages().map(entry => entry.folder)].map(folder => path.join(folder, 'package.json'));
    const settings = ['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map(name => path.join(workspaceRoot, name));
    return fingerprint([...settings, ...manifests], [process.platform, process.arch]);
}

async function install() {
    if (readStamp(installStamp) === installFingerprint()) {
        return;
    }
    console.error('Installing dependencies ...');
    // On a developer's machine pnpm may complete the lockfile after an edit of a package.json; elsewhere that is an error.
    const frozen = process.env.CI ? ['--frozen-lockfile'] : [];
    const code = await runPnpm(['install', ...frozen]);
    if (code !== 0) {
        throw new SetupError(
            `The dependencies could not be installed (exit code ${code}); the output above says why.\n` +
                `If it names a network error, check that the npm registry can be reached: npm ping\n` +
                `If it says that pnpm-lock.yaml is outdated, update it with: npm run pnpm -- install`
        );
    }
    writeStamp(installStamp, installFingerprint());
}

/**
 * Everything that can change what a package's build writes.
 *
 * @param {WorkspacePackage} entry
 * @param {ReadonlyMap<string, string>} built fingerprints of the packages built before
 */
function buildFingerprint(entry, built) {
    const shared = ['pnpm-lock.yaml', 'tsconfig.base.json', 'scripts/dual-package.mjs', 'scripts/build-package.mjs'];
    const sources = ['src', 'scripts'].flatMap(folder => listFiles(path.join(entry.folder, folder)).map(name => `${folder}/${name}`));
    const own = [...sources, 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
    return fingerprint(
        [...shared.map(name => path.join(workspaceRoot, name)), ...own.map(name => path.join(entry.folder, name))],
        entry.dependencies.map(name => built.get(name) ?? '')
    );
}

/** @param {boolean} force */
async function build(force) {
    /** @type {Map<string, string>} */
    const built = new Map();
    for (const entry of listPackages().filter(({ hasBuild }) => hasBuild)) {
        const stampFile = path.join(buildStamps, encodeURIComponent(entry.name));
        const wanted = buildFingerprint(entry, built);
        built.set(entry.name, wanted);
        if (!force && readStamp(stampFile) === wanted && existsSync(path.join(entry.folder, 'dist'))) {
            continue;
        }
        console.error(`Building ${entry.name} ...`);
        rmSync(stampFile, { force: true });
        const code = await runBuildScript(entry.folder);
        if (code !== 0) {
            throw new SetupError(`${entry.name} could not be built; the output above says why.`);
        }
        writeStamp(stampFile, wanted);
    }
}

/** @param {number} pid */
function isRunning(pid) {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}

/**
 * Keeps other processes that prepare the same working copy waiting while the action runs.
 *
 * @param {() => Promise<void>} action
 */
async function exclusively(action) {
    mkdirSync(path.dirname(lockFile), { recursive: true });
    const deadline = Date.now() + lockTimeout;
    for (let announced = false; ; announced = true) {
        try {
            writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
            break;
        } catch (error) {
            if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
                throw error;
            }
        }
        const holder = Number(readStamp(lockFile) || process.pid);
        if (!isRunning(holder)) {
            rmSync(lockFile, { force: true });
            continue;
        }
        if (Date.now() > deadline) {
            throw new SetupError(`Process ${holder} has been preparing this working copy for too long; if it is not, remove ${lockFile}.`);
        }
        if (!announced) {
            console.error(`Waiting for process ${holder}, which is preparing this working copy ...`);
        }
        await delay(200);
    }
    try {
        await action();
    } finally {
        rmSync(lockFile, { force: true });
    }
}

/** @param {'stale' | 'all' | 'none'} [packages] which packages to build */
export async function prepare(packages = 'stale') {
    requireSupportedNode();
    if (!statSync(path.join(workspaceRoot, 'pnpm-lock.yaml'), { throwIfNoEntry: false })) {
        throw new SetupError('pnpm-lock.yaml is missing; this is not a complete copy of the repository.');
    }
    await exclusively(async () => {
        await install();
        if (packages !== 'none') {
            await build(packages === 'all');
        }
    });
}
