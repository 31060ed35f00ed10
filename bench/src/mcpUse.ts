import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const root = path.join(import.meta.dirname, '..', '..');
/** The versions are those that the conformance suite judges. */
const pinned = path.join(root, 'conformance', 'targets', 'mcp-use-redis');
/** Longest wait for npm, in milliseconds. */
const INSTALL_MS = 300_000;

/** Where mcp-use is installed for the bench: not in the workspace, whose dependencies need not grow by its hundred. */
export const mcpUseFolder = path.join(root, '.build', 'bench-mcp-use');

/** Installs mcp-use, unless the wanted version is there. @throws Error with what npm says */
export async function installMcpUse(): Promise<void> {
    await mkdir(mcpUseFolder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
        await copyFile(path.join(pinned, file), path.join(mcpUseFolder, file));
    }
    const args = [
        'install',
        '--prefix',
        mcpUseFolder,
        '--ignore-scripts',
        '--omit=optional',
        '--no-audit',
        '--no-fund',
        '--prefer-offline'
    ];
    await run('npm', args, { cwd: mcpUseFolder, timeout: INSTALL_MS });
}
