import { readFileSync } from 'node:fs';
import { ApplyError } from '../lib/errors.mjs';

/** In JSON response mode, lets go of a request's stream entry when the request is answered. */

const source = 'src/server/webStandardStreamableHttp.ts';
const test = 'test/server/streamableHttpJsonModeEntries.test.ts';

/** @param {import('../lib/checkout.mjs').Checkout} checkout */
export function apply(checkout) {
    if (checkout.branch !== 'v1.x') {
        throw new ApplyError('This change is for v1.x only: main lets go of the entry already');
    }
    checkout
        .edit(source)
        .inClass('WebStandardStreamableHTTPServerTransport')
        .method('send')
        .appendToIf(['_enableJsonResponse', 'stream', 'resolveJson'], 'stream.cleanup();', 5);
    checkout.add(test, readFileSync(new URL(`files/${test}`, import.meta.url), 'utf8'));
    checkout.add('.changeset/json-mode-stream-entries.md', readFileSync(new URL('files/changeset.md', import.meta.url), 'utf8'));
}
