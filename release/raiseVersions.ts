/**
 * Prepares a release: turns the pending changesets into new versions and changelog entries, and makes the documents name these
 * versions: `npm run release:version`.
 */
import { runMain, runTool } from '../scripts/toolchain.mjs';
import { updateDocuments } from './src/documents.ts';

await runMain(async () => {
    const code = await runTool('changeset', ['version']);
    if (code === 0) {
        updateDocuments();
    }
    return code;
});
