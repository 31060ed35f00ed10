/**
 * Makes the release branch and tag of packages: `npm run release:tree -- <package>...` or `npm run release:tree -- --all`.
 * A package is named by its name or its folder: `@modelcontextprotocol/sdk` or `sdk`.
 */
import { parseArgs } from 'node:util';
import { withPackageTree } from './src/packageTree.ts';
import { type PublishedPackage, listPublishedPackages, workspaceRoot } from './src/publishedPackages.ts';
import { commitRelease, releaseTag } from './src/releaseCommit.ts';
import { ReleaseError } from './src/releaseError.ts';
import { readSourceCommit } from './src/sourceCommit.ts';

function choosePackages(names: readonly string[], all: boolean): PublishedPackage[] {
    const packages = listPublishedPackages();
    const known = packages.map(({ shortName }) => shortName).join(', ');
    if (all === names.length > 0) {
        throw new ReleaseError('USAGE', `Name the packages to release (${known}), or use --all.`);
    }
    return all
        ? packages
        : names.map(name => {
              const found = packages.find(entry => entry.name === name || entry.shortName === name);
              if (found === undefined) {
                  throw new ReleaseError('USAGE', `There is no published package "${name}"; there are ${known}.`);
              }
              return found;
          });
}

try {
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: {
            all: { type: 'boolean', default: false },
            repository: { type: 'string', default: workspaceRoot },
            'allow-changes': { type: 'boolean', default: false }
        }
    });
    const packages = choosePackages(positionals, values.all);
    const source = await readSourceCommit(workspaceRoot, values['allow-changes']);
    for (const entry of packages) {
        try {
            const { tag, commit, created } = await withPackageTree(entry, folder =>
                commitRelease(values.repository, entry, folder, source)
            );
            console.log(`${tag}\t${commit}\t${created ? 'made' : 'was there'}`);
        } catch (error) {
            // Among all packages, those without a new version are not part of this release. Theirs may differ in the range of the SDK only.
            if (!(values.all && error instanceof ReleaseError && error.code === 'ALREADY_RELEASED')) {
                throw error;
            }
            console.log(
                `${releaseTag(entry)} is released and stays as it is; the package would differ now, and needs a new version for that`
            );
        }
    }
} catch (error) {
    console.error(error instanceof ReleaseError ? error.message : error);
    process.exitCode = 1;
}
