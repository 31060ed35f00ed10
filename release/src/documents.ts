import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type PublishedPackage, listPublishedPackages, workspaceRoot } from './publishedPackages.ts';

/** Documents that may tell users to install a release: those of the repository and of its packages. */
export function listDocuments(): string[] {
    const inDocs = readdirSync(path.join(workspaceRoot, 'docs'), { recursive: true, encoding: 'utf8' })
        .filter(name => name.endsWith('.md'))
        .map(name => path.join(workspaceRoot, 'docs', name));
    const folders = [workspaceRoot, ...listPublishedPackages().map(({ folder }) => folder)];
    return [...inDocs, ...folders.map(folder => path.join(folder, 'README.md')).filter(existsSync)].sort();
}

/** The text with every tag of a release, such as `release/sdk/v1.2.3`, replaced by the one of the package's present version. */
export function withPresentVersions(text: string, packages: readonly PublishedPackage[]): string {
    return packages.reduce(
        (result, { shortName, version }) =>
            result.replaceAll(new RegExp(`(?<=\\brelease/${shortName}/v)\\d+\\.\\d+\\.\\d+\\b`, 'g'), version),
        text
    );
}

/** Makes all documents name the present versions. */
export function updateDocuments(): void {
    for (const file of listDocuments()) {
        const before = readFileSync(file, 'utf8');
        const after = withPresentVersions(before, listPublishedPackages());
        if (after !== before) {
            writeFileSync(file, after);
        }
    }
}
