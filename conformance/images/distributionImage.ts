import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CommandError, run } from '../src/docker/command.ts';

/** A base image made of packages of the Linux distribution that this machine runs. */
export interface DistributionImage {
    /** Packages to install, with all they depend on. */
    readonly packages: readonly string[];
    /** Further files, by their path in the image. They are taken from this machine and made executable. */
    readonly executables?: Readonly<Record<string, string>>;
}

const downloadTimeoutMs = 180_000;
const unpackTimeoutMs = 60_000;
const importTimeoutMs = 120_000;

/**
 * Builds a base image without an image registry: downloads packages with apt, unpacks them into an empty folder and imports that
 * into Docker. The packages are not installed (their scripts don't run), which needs no privileges and is enough for programs that
 * are started with a configuration of their own.
 *
 * @throws {Error} saying what is missing, if this machine's distribution doesn't have apt or its packages can't be downloaded.
 */
export async function buildDistributionImage(tag: string, { packages, executables = {} }: DistributionImage): Promise<void> {
    const scratch = await mkdtemp(path.join(tmpdir(), 'session-conformance-image-'));
    try {
        const archives = await download(packages, scratch);
        const root = path.join(scratch, 'root');
        await makeSkeleton(root);
        for (const archive of archives) {
            await unpack(archive, root, scratch);
        }
        for (const [target, source] of Object.entries(executables)) {
            await mkdir(path.dirname(path.join(root, target)), { recursive: true });
            await copyFile(source, path.join(root, target));
        }
        await importTree(root, tag, scratch);
    } finally {
        await rm(scratch, { recursive: true, force: true });
    }
}

/** Downloads packages and everything they need on a machine that has nothing yet. */
async function download(packages: readonly string[], scratch: string): Promise<string[]> {
    const archives = path.join(scratch, 'archives');
    const status = path.join(scratch, 'status');
    const lists = path.join(scratch, 'lists');
    await mkdir(path.join(archives, 'partial'), { recursive: true });
    await mkdir(path.join(lists, 'partial'), { recursive: true });
    await writeFile(status, '');
    const options = [
        `Dir::State::status=${status}`,
        `Dir::Cache::archives=${archives}`,
        `Dir::Cache::pkgcache=${path.join(scratch, 'pkgcache.bin')}`,
        `Dir::Cache::srcpkgcache=${path.join(scratch, 'srcpkgcache.bin')}`,
        'APT::Install-Recommends=false',
        'APT::Sandbox::User=',
        'Debug::NoLocking=true'
    ];
    const apt = (args: readonly string[], further: readonly string[] = []) =>
        run('apt-get', [...[...options, ...further].flatMap(option => ['-o', option]), ...args], { timeoutMs: downloadTimeoutMs });
    const install = ['--download-only', '--yes', 'install', ...packages];
    try {
        await apt(install);
    } catch (error) {
        if (!(error instanceof CommandError)) {
            throw error;
        }
        // The machine's package lists may be missing, or so old that what they name is gone from the mirror.
        const own = [`Dir::State::lists=${lists}`];
        try {
            await apt(['update'], own);
            await apt(install, own);
        } catch (cause) {
            throw new Error(
                `No image registry can be reached, and ${packages.join(', ')} could not be downloaded with apt to build an image instead. ` +
                    'Either make one of the two work, or name images that are there already (see conformance/README.md).',
                { cause }
            );
        }
    }
    const names = await readdir(archives);
    return names.filter(name => name.endsWith('.deb')).map(name => path.join(archives, name));
}

/** What programs expect of a root folder besides what packages bring. */
async function makeSkeleton(root: string): Promise<void> {
    for (const folder of ['bin', 'sbin', 'lib', 'lib64']) {
        // As on an installed system, so that packages which name a file by either path end up with the same one.
        await mkdir(path.join(root, 'usr', folder), { recursive: true });
        await symlink(`usr/${folder}`, path.join(root, folder));
    }
    for (const folder of ['tmp', 'run', 'data', 'etc', 'var/log', 'var/lib', 'usr/local/bin']) {
        await mkdir(path.join(root, folder), { recursive: true });
    }
    await writeFile(
        path.join(root, 'etc/passwd'),
        'root:x:0:0:root:/:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n'
    );
    await writeFile(path.join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
}

async function unpack(archive: string, root: string, scratch: string): Promise<void> {
    const tar = path.join(scratch, 'package.tar');
    await run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" > "$2"', 'sh', archive, tar], { timeoutMs: unpackTimeoutMs });
    const args = ['--extract', '--file', tar, '--directory', root, '--keep-directory-symlink', '--no-same-owner'];
    await run('tar', args, { timeoutMs: unpackTimeoutMs });
}

async function importTree(root: string, tag: string, scratch: string): Promise<void> {
    const tar = path.join(scratch, 'image.tar');
    // Nothing in it is meant for its users to read, and it would double the size.
    const exclude = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/perl', 'usr/lib/*/perl*', 'usr/share/i18n'];
    await run(
        'tar',
        ['--create', '--file', tar, '--directory', root, '--owner=0', '--group=0', ...exclude.map(name => `--exclude=./${name}`), '.'],
        { timeoutMs: unpackTimeoutMs }
    );
    const changes = ['ENV PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin', 'WORKDIR /'];
    await run('docker', ['import', ...changes.flatMap(change => ['--change', change]), tar, tag], { timeoutMs: importTimeoutMs });
}

/** Names the release of this machine's distribution, for instance `debian-12`. */
export async function readDistribution(): Promise<string> {
    const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
    const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? 'unknown';
    return `${field('ID')}-${field('VERSION_ID')}`;
}
