import path from 'node:path';
import { runCommand } from '../../src/command.ts';
import { withPackageTree } from '../../src/packageTree.ts';
import { listPublishedPackages } from '../../src/publishedPackages.ts';
import { commitRelease, type SourceCommit } from '../../src/releaseCommit.ts';

export const someSource: SourceCommit = {
    description: 'a test',
    committerName: 'Somebody',
    committerEmail: 'somebody@example.com',
    committerDate: '1767225600 +0000'
};

/** Makes a bare repository that has a commit on its main branch, as every repository that people install from has. */
export async function makeRepository(folder: string): Promise<void> {
    const git = (...args: string[]) => runCommand('git', args, { cwd: folder });
    await runCommand('git', ['init', '--quiet', '--bare', '--initial-branch=main', folder], { cwd: path.dirname(folder) });
    const tree = (await git('mktree')).trim();
    const identity = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com'];
    const commit = (await git(...identity, 'commit-tree', tree, '-m', 'Begin')).trim();
    await git('update-ref', 'refs/heads/main', commit);
}

/** Writes releases of all published packages, as they are built now, into a repository. */
export async function releaseAll(repository: string): Promise<void> {
    for (const entry of listPublishedPackages()) {
        await withPackageTree(entry, folder => commitRelease(repository, entry, folder, someSource));
    }
}
