import { readFileSync } from 'node:fs';
import { ApplyError } from '../lib/errors.mjs';

/** Lets `notifications/cancelled` cancel a request whose id is 0 or empty. */

const test = 'test/shared/cancelRequestZero.test.ts';

/** @param {import('../lib/checkout.mjs').Checkout} checkout */
export function apply(checkout) {
    if (checkout.branch !== 'v1.x') {
        throw new ApplyError('This change is for v1.x only: main asks for an absent id already');
    }
    checkout
        .edit('src/shared/protocol.ts')
        .inClass('Protocol')
        .method('_oncancel')
        .askForUndefined(['notification', 'params', 'requestId']);
    checkout.add(test, readFileSync(new URL(`files/${test}`, import.meta.url), 'utf8'));
    checkout.add('.changeset/cancel-request-zero.md', readFileSync(new URL('files/changeset.md', import.meta.url), 'utf8'));
}
