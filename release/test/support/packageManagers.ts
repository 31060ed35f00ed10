import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { registryPackage } from './registryPackages.ts';

/** A package manager, at one version. */
export interface PackageManager {
    /** Its heading in the document about git dependencies. */
    readonly title: string;
    /** The command as which it is called. */
    readonly command: string;
    /** Puts the command into a folder. */
    readonly provide: (folder: string) => Promise<void>;
    /** Makes it keep what it downloads below a folder, and use the given registry. */
    readonly environment: (cacheFolder: string, registry: string) => Record<string, string>;
}

function commonEnvironment(registry: string): Record<string, string> {
    return { npm_config_registry: registry, npm_config_update_notifier: 'false', npm_config_fund: 'false', npm_config_audit: 'false' };
}

/** Makes a command of a JavaScript program. */
async function provideScript(folder: string, command: string, script: string): Promise<void> {
    const file = path.join(folder, command);
    await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`);
    await chmod(file, 0o755);
}

/** Makes a command of whichever of the programs in a folder runs on this machine. */
async function provideProgram(folder: string, command: string, parent: string, program: string): Promise<void> {
    for (const name of await readdir(parent)) {
        const file = path.join(parent, name, program);
        if (await promisify(execFile)(file, ['--version']).catch(() => undefined)) {
            await symlink(file, path.join(folder, command));
            return;
        }
    }
    throw new Error(`No ${command} in ${parent} runs on this machine.`);
}

export const packageManagers: readonly PackageManager[] = [
    {
        title: 'npm',
        command: 'npm',
        provide: async folder => provideScript(folder, 'npm', path.join(await registryPackage('npm', '11.19.1'), 'bin/npm-cli.js')),
        environment: (cache, registry) => ({ ...commonEnvironment(registry), npm_config_cache: cache })
    },
    {
        title: 'pnpm',
        command: 'pnpm',
        provide: async folder => provideProgram(folder, 'pnpm', path.join(await registryPackage('pnpm', '12.21.0'), '../@pnpm'), 'pnpm'),
        environment: (cache, registry) => ({
            ...commonEnvironment(registry),
            XDG_CACHE_HOME: path.join(cache, 'cache'),
            XDG_DATA_HOME: path.join(cache, 'data'),
            XDG_STATE_HOME: path.join(cache, 'state')
        })
    },
    {
        title: 'Yarn 1',
        command: 'yarn',
        provide: async folder => provideScript(folder, 'yarn', path.join(await registryPackage('yarn', '1.22.22'), 'bin/yarn.js')),
        environment: (cache, registry) => ({ ...commonEnvironment(registry), YARN_CACHE_FOLDER: cache })
    },
    {
        title: 'Yarn 4',
        command: 'yarn',
        provide: async folder =>
            provideScript(folder, 'yarn', path.join(await registryPackage('@yarnpkg/cli-dist', '4.18.1'), 'bin/yarn.js')),
        environment: (cache, registry) => ({
            YARN_GLOBAL_FOLDER: cache,
            YARN_NPM_REGISTRY_SERVER: registry.replace(/\/$/, ''),
            YARN_ENABLE_TELEMETRY: '0'
        })
    },
    {
        title: 'Bun',
        command: 'bun',
        provide: async folder => provideProgram(folder, 'bun', path.join(await registryPackage('bun', '1.4.5'), '../@oven'), 'bin/bun'),
        environment: (cache, registry) => ({ ...commonEnvironment(registry), BUN_CONFIG_REGISTRY: registry, BUN_INSTALL_CACHE_DIR: cache })
    }
];

/** A folder for the PATH that has the command of a package manager. */
export async function commandFolder(manager: PackageManager, parent: string): Promise<string> {
    const folder = path.join(parent, manager.title.replace(' ', '-').toLowerCase());
    await mkdir(folder, { recursive: true });
    await manager.provide(folder);
    return folder;
}
