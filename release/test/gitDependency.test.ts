import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../src/command.ts';
import { workspaceRoot } from '../src/publishedPackages.ts';
import { readSection } from './support/documentSections.ts';
import { commandFolder, packageManagers } from './support/packageManagers.ts';
import { Project } from './support/project.ts';
import { obtain, reachRegistry, titled } from './support/registryPackages.ts';
import { makeRepository, releaseAll } from './support/releaseRepository.ts';

const document = await readFile(path.join(workspaceRoot, 'docs/git-dependency.md'), 'utf8');

/** The address that the document uses; git is told to go to the repository of this test instead. */
const documentedAddress = 'https://git.example.com/mcp/sdk.git';

const consumer = path.join(import.meta.dirname, 'consumer');
const sessionSmoke = path.join(workspaceRoot, 'packages/sdk/test/support/sessionSmoke.mjs');

const work = await realpath(await mkdtemp(path.join(tmpdir(), 'git-dependency-')));
const registry = (await runCommand('npm', ['config', 'get', 'registry'], { cwd: work })).trim();

beforeAll(async () => {
    const repository = path.join(work, 'repository.git');
    await makeRepository(repository);
    await releaseAll(repository);
    await writeFile(path.join(work, 'gitconfig'), `[url "file://${repository}"]\n\tinsteadOf = ${documentedAddress}\n`);
}, 120_000);

afterAll(() => rm(work, { recursive: true, force: true }));

const registryReached = obtain(reachRegistry);
const managers = await Promise.all(
    packageManagers.map(async manager => {
        const commands = await obtain(async () => {
            const folder = await commandFolder(manager, path.join(work, 'commands'));
            (await registryReached).get();
            return folder;
        });
        return { manager, commands };
    })
);

if (managers.every(({ commands }) => commands.absence !== undefined)) {
    // Where all tests are skipped, so is what would clean up after them.
    await rm(work, { recursive: true, force: true });
}

/** Package managers work at the same time, but each of them on one project after the other, as their caches ask for. */
const inTurn = { concurrent: false };

for (const { manager, commands } of managers) {
    const { title } = manager;
    const name = title.replace(' ', '-').toLowerCase();

    const makeProject = async (folder: string): Promise<Project> => {
        const project = new Project(path.join(work, name, folder), [commands.get(), path.dirname(process.execPath)], {
            ...manager.environment(path.join(work, name, 'cache'), registry),
            GIT_CONFIG_GLOBAL: path.join(work, 'gitconfig'),
            GIT_CONFIG_NOSYSTEM: '1',
            GIT_TERMINAL_PROMPT: '0'
        });
        await project.write('package.json', '{ "name": "consumer", "private": true }\n');
        if (title === 'Yarn 4') {
            // Keeps it from taking a folder above for the project.
            await project.write('yarn.lock', '');
        }
        return project;
    };

    /** Does what a section of the document says. */
    const follow = async (project: Project, chapter: string, section: string): Promise<void> => {
        const { files, commands } = readSection(document, chapter, section);
        for (const [file, content] of files) {
            await project.write(file, content);
        }
        for (const command of commands) {
            await project.run(command);
        }
    };

    const options = { skip: commands.absence !== undefined, concurrent: true, timeout: 240_000 };
    describe(titled(title, commands.absence), options, () => {
        test('installs the fork and its stores as git dependencies, which run and have types', inTurn, async () => {
            const project = await makeProject('direct');
            await follow(project, 'As a dependency', title);
            for (const file of ['run.mjs', 'run.cjs', 'useInstalled.mjs', 'types.mts']) {
                await project.copy(path.join(consumer, file));
            }
            await project.copy(sessionSmoke);
            await project.write('types.cts', await readFile(path.join(consumer, 'types.mts'), 'utf8'));

            expect(await project.run('node run.mjs')).toContain('all sessions were served');
            expect(await project.run('node run.cjs')).toContain('all sessions were served');
            await project.typeCheck(['types.mts', 'types.cts']);

            if (title === 'Yarn 4') {
                const settings = readSection(document, 'As a dependency', title).files.get('.yarnrc.yml') ?? '';
                await project.write('.yarnrc.yml', settings.replace(/^nodeLinker: node-modules\n/, ''));
                await project.run('yarn install && test ! -e node_modules');
                expect(await project.run('yarn node run.mjs')).toContain('all sessions were served');
                expect(await project.run('yarn node run.cjs')).toContain('all sessions were served');
            }
        });

        test('puts the fork under a package that depends on the SDK', inTurn, async () => {
            const project = await makeProject('override');
            await follow(project, 'Under other packages', title);
            await project.copy(path.join(consumer, 'runThirdParty.mjs'));

            expect(await project.run('node runThirdParty.mjs')).toContain('the other package was served by this fork');
        });
    });
}
