import { runCommand } from './command.ts';
import { ReleaseError } from './releaseError.ts';
import type { SourceCommit } from './releaseCommit.ts';

/** What the content of a release depends on. */
const inputs = [
    'packages',
    'scripts',
    'release/src',
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'tsconfig.base.json',
    'LICENSE'
];

/**
 * The commit that is checked out in a workspace.
 * @param workspace its folder
 * @param allowChanges whether the files may differ from it, for trials
 * @throws ReleaseError `UNCOMMITTED_CHANGES` if they do, and may not.
 */
export async function readSourceCommit(workspace: string, allowChanges: boolean): Promise<SourceCommit> {
    const git = (...args: string[]) => runCommand('git', args, { cwd: workspace }).then(output => output.trimEnd());
    const changes = await git('status', '--porcelain', '--', ...inputs);
    if (changes !== '' && !allowChanges) {
        throw new ReleaseError(
            'UNCOMMITTED_CHANGES',
            `A release is built from a commit, but these files have changed since:\n${changes}\n` +
                'Commit them, or make a trial of the release with --allow-changes.'
        );
    }
    const [id = '', committerName = '', committerEmail = '', committerDate = ''] = (
        await git('log', '-1', '--date=raw', '--format=%H%n%cn%n%ce%n%cd')
    ).split('\n');
    return { description: changes === '' ? id : `${id} and uncommitted changes`, committerName, committerEmail, committerDate };
}
