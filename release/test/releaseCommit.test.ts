import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../src/command.ts';
import type { PublishedPackage } from '../src/publishedPackages.ts';
import { commitRelease, releaseBranch, releaseTag } from '../src/releaseCommit.ts';
import { readSourceCommit } from '../src/sourceCommit.ts';
import { makeRepository, someSource } from './support/releaseRepository.ts';

const work = await mkdtemp(path.join(tmpdir(), 'release-commit-'));
afterAll(() => rm(work, { recursive: true, force: true }));

let repository: string;
let folder: string;

beforeEach(async () => {
    const own = await mkdtemp(path.join(work, 'test-'));
    repository = path.join(own, 'repository.git');
    await makeRepository(repository);
    folder = path.join(own, 'package');
    await mkdir(path.join(folder, 'dist/esm'), { recursive: true });
    await writeFile(path.join(folder, 'package.json'), '{}\n');
    await writeFile(path.join(folder, 'dist/esm/index.js'), 'export {};\n');
});

const git = (...args: string[]) => runCommand('git', args, { cwd: repository }).then(output => output.trim());

function example(version: string): PublishedPackage {
    return { name: '@example/example', shortName: 'example', folder: '', version };
}

const release = (version: string) => commitRelease(repository, example(version), folder, someSource);

test('a release is the package, at the root of a commit that has no history in common with the sources', async () => {
    const { commit, created } = await release('1.0.0');

    expect(created).toBe(true);
    expect((await git('ls-tree', '-r', '--name-only', commit)).split('\n')).toEqual(['dist/esm/index.js', 'package.json']);
    expect(await git('show', `${commit}:dist/esm/index.js`)).toBe('export {};');
    expect(await git('rev-list', '--count', commit)).toBe('1');
});

test('branch and tag of a release have different names, and lead to it', async () => {
    const { branch, tag, commit } = await release('1.0.0');

    expect([branch, tag]).toEqual(['release/example', 'release/example/v1.0.0']);
    expect(await git('rev-parse', `refs/heads/${branch}`, `refs/tags/${tag}`)).toBe(`${commit}\n${commit}`);
});

test('the same input makes the same commit, whoever makes it and whatever git is set to', async () => {
    const { commit } = await release('1.0.0');

    await makeRepository(`${repository}.other`);
    await runCommand('git', ['config', 'core.autocrlf', 'true'], { cwd: `${repository}.other` });
    await runCommand('git', ['config', 'user.name', 'Somebody Else'], { cwd: `${repository}.other` });
    expect((await commitRelease(`${repository}.other`, example('1.0.0'), folder, someSource)).commit).toBe(commit);
});

test('a release is a child of the one before, whose tag stays', async () => {
    const first = await release('1.0.0');
    await writeFile(path.join(folder, 'dist/esm/index.js'), 'export const two = 2;\n');
    const second = await release('1.0.1');

    expect(await git('rev-parse', `${second.commit}^`, first.tag, releaseBranch(example('1.0.1')))).toBe(
        [first.commit, first.commit, second.commit].join('\n')
    );
});

test('a release that was made is left as it is', async () => {
    const first = await release('1.0.0');
    await release('1.0.1');

    expect(await release('1.0.0')).toEqual({ ...first, created: false });
    expect(await git('rev-list', '--count', releaseBranch(example('1.0.0')))).toBe('2');
});

test('a version that was released with other content is refused, and nothing changes', async () => {
    const { commit } = await release('1.0.0');
    await writeFile(path.join(folder, 'dist/esm/index.js'), 'export const two = 2;\n');

    const refused = release('1.0.0');
    await expect(refused).rejects.toHaveProperty('code', 'ALREADY_RELEASED');
    await expect(refused).rejects.toThrow('npm run changeset');
    expect(await git('rev-parse', releaseTag(example('1.0.0')), releaseBranch(example('1.0.0')))).toBe(`${commit}\n${commit}`);
});

test('files keep their line ends, and programs stay executable', async () => {
    await git('config', 'core.autocrlf', 'input');
    await writeFile(path.join(folder, 'crlf.txt'), 'a\r\nb\r\n');
    await writeFile(path.join(folder, 'program'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(path.join(folder, '.gitattributes'), '* text=auto eol=lf\n');
    const { commit } = await release('1.0.0');

    expect(await runCommand('git', ['show', `${commit}:crlf.txt`], { cwd: repository })).toBe('a\r\nb\r\n');
    expect(await git('ls-tree', commit, 'program')).toMatch(/^100755 /);
});

describe('in a working copy', () => {
    beforeEach(async () => {
        const copy = `${repository}.copy`;
        await runCommand('git', ['clone', '--quiet', repository, copy], { cwd: work });
        repository = copy;
        await mkdir(path.join(copy, 'packages'));
        await writeFile(path.join(copy, 'packages/one.txt'), 'committed\n');
        await git('add', '.');
        await git('-c', 'user.name=Some One', '-c', 'user.email=one@example.com', 'commit', '--quiet', '-m', 'Add one');
    });

    test('a release changes neither files nor index nor what is checked out', async () => {
        await writeFile(path.join(repository, 'packages/one.txt'), 'staged\n');
        await git('add', '.');
        await writeFile(path.join(repository, 'packages/one.txt'), 'changed\n');
        await writeFile(path.join(repository, 'untracked.txt'), 'untracked\n');
        const state = () =>
            Promise.all([git('symbolic-ref', 'HEAD'), git('rev-parse', 'HEAD'), git('diff'), git('diff', '--cached'), git('status', '-s')]);
        const before = await state();
        expect(before.at(-1)).toBe('MM packages/one.txt\n?? untracked.txt');

        expect((await release('1.0.0')).created).toBe(true);
        expect(await state()).toEqual(before);
    });

    test('the source of a release is the commit that is checked out', async () => {
        const source = await readSourceCommit(repository, false);
        expect(source).toMatchObject({ committerName: 'Some One', committerEmail: 'one@example.com' });
        expect(source.description).toBe(await git('rev-parse', 'HEAD'));
        expect(source.committerDate).toBe(await git('log', '-1', '--date=raw', '--format=%cd'));
    });

    test('what is in no commit is not released', async () => {
        await writeFile(path.join(repository, 'packages/two.txt'), 'new\n');
        const refused = readSourceCommit(repository, false);
        await expect(refused).rejects.toHaveProperty('code', 'UNCOMMITTED_CHANGES');
        await expect(refused).rejects.toThrow('packages/two.txt');
        expect((await readSourceCommit(repository, true)).description).toMatch(/ and uncommitted changes$/);
    });
});
