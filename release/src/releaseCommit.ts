import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand } from './command.ts';
import type { PublishedPackage } from './publishedPackages.ts';
import { ReleaseError } from './releaseError.ts';

/** The commit of this workspace that a release is built from. Its committer and time become those of the release. */
export interface SourceCommit {
    /** The id of the commit, and whatever else the release's message should say of its origin. */
    readonly description: string;
    readonly committerName: string;
    readonly committerEmail: string;
    /** Seconds since 1970 and the offset from UTC, as git writes them: `1767225600 +0000`. */
    readonly committerDate: string;
}

export interface ReleaseCommit {
    readonly branch: string;
    readonly tag: string;
    readonly commit: string;
    /** Whether this call made it, or it was there already. */
    readonly created: boolean;
}

export function releaseBranch({ shortName }: PublishedPackage): string {
    return `release/${shortName}`;
}

export function releaseTag(entry: PublishedPackage): string {
    return `${releaseBranch(entry)}/v${entry.version}`;
}

/**
 * Writes a release into a git repository: a commit whose tree is the package, the package's release branch moved to it, and a tag.
 *
 * The branch has no history in common with the sources; each release is the child of the one before it. Nothing but objects and these
 * two refs is written: no index, no work tree, not HEAD. The same folder and source always give the same tree, and after the same
 * release before it the same commit.
 *
 * @param repository a folder within the repository, or a bare repository
 * @param folder holds the content of the release
 * @throws ReleaseError `ALREADY_RELEASED` if the tag exists with other content.
 */
export async function commitRelease(
    repository: string,
    entry: PublishedPackage,
    folder: string,
    source: SourceCommit
): Promise<ReleaseCommit> {
    const git = (args: readonly string[], input?: string, env?: Record<string, string>) =>
        runCommand('git', args, { cwd: repository, input, env }).then(output => output.trim());
    const branch = releaseBranch(entry);
    const tag = releaseTag(entry);

    const tree = await writeTree(git, folder);
    const released = await git(['for-each-ref', '--format=%(objectname) %(tree)', `refs/tags/${tag}`]);
    if (released !== '') {
        const [commit = '', releasedTree] = released.split(' ');
        if (releasedTree !== tree) {
            throw new ReleaseError(
                'ALREADY_RELEASED',
                `${entry.name} ${entry.version} is released, with other content than the package has now.\n` +
                    'A release never changes. Describe the change with "npm run changeset", and raise the version with "npm run release:version".'
            );
        }
        return { branch, tag, commit, created: false };
    }

    const previous = await git(['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]);
    const { committerName, committerEmail, committerDate } = source;
    const commit = await git(
        ['commit-tree', tree, ...(previous === '' ? [] : ['-p', previous])],
        `Release ${entry.name} ${entry.version}\n\nBuilt from ${source.description}.\n`,
        {
            GIT_AUTHOR_NAME: committerName,
            GIT_AUTHOR_EMAIL: committerEmail,
            GIT_AUTHOR_DATE: committerDate,
            GIT_COMMITTER_NAME: committerName,
            GIT_COMMITTER_EMAIL: committerEmail,
            GIT_COMMITTER_DATE: committerDate
        }
    );
    const nothing = '0'.repeat(commit.length);
    await git(
        ['update-ref', '--stdin'],
        `create refs/tags/${tag} ${commit}\nupdate refs/heads/${branch} ${commit} ${previous === '' ? nothing : previous}\n`
    );
    return { branch, tag, commit, created: true };
}

/** Writes the files of a folder as a tree, by means of an index of its own, and returns the tree's id. */
async function writeTree(
    git: (args: readonly string[], input?: string, env?: Record<string, string>) => Promise<string>,
    folder: string
): Promise<string> {
    const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter(entry => entry.isFile())
        .map(entry => path.join(entry.parentPath, entry.name))
        .sort();
    // Without filters, so that no setting for line ends changes what was built.
    const blobs = (await git(['hash-object', '-w', '--no-filters', '--stdin-paths'], files.map(file => `${file}\n`).join(''))).split('\n');
    const modes = await Promise.all(files.map(async file => ((await stat(file)).mode & 0o100 ? '100755' : '100644')));
    const lines = files.map((file, index) => {
        const name = path.relative(folder, file).split(path.sep).join('/');
        return `${modes[index]} ${blobs[index]}\t${name}\n`;
    });
    const work = await mkdtemp(path.join(tmpdir(), 'release-index-'));
    try {
        const env = { GIT_INDEX_FILE: path.join(work, 'index') };
        await git(['update-index', '--add', '--index-info'], lines.join(''), env);
        return await git(['write-tree'], undefined, env);
    } finally {
        await rm(work, { recursive: true, force: true });
    }
}
