import { readFileSync, readdirSync } from 'node:fs';
import { modules as ofRestoredSession } from '../1-restored-session/change.mjs';
import { ApplyError } from '../lib/errors.mjs';
import { ownSource, ownSources } from '../lib/ownSources.mjs';

/** TransportStore, TransportFactory and the session handler: files that are added, none that is changed. */

/** What only the fork's own transports need, which are proposed apart from this. */
const ofTransports = [
    'streamableHttp.ts',
    'webStandardStreamableHttp.ts',
    'http/eventReplay.ts',
    'http/eventStore.ts',
    'http/messageStream.ts',
    'http/originCheck.ts',
    'http/outgoingMessages.ts',
    'http/restoring.ts',
    'http/sessionChanges.ts',
    'http/streamableHttpCore.ts',
    'http/transportFace.ts',
    'http/transportOptions.ts',
    'http/transportSession.ts',
    // Upstream relies on the global.
    'http/nodeCrypto.ts',
    'http/webCrypto.ts'
];

/** @param {import('../lib/checkout.mjs').Checkout} checkout */
export function apply(checkout) {
    const { branch } = checkout;
    if (branch !== 'v1.x') {
        throw new ApplyError('This change is for v1.x; upstream/README.md says what it takes on main');
    }
    for (const file of ownSources().filter(name => !ofTransports.includes(name))) {
        const target = `src/server/${file}`;
        if (ofRestoredSession.includes(file) && checkout.has(target)) {
            continue;
        }
        checkout.add(target, ownSource(file, branch, ofRestoredSession.includes(file) ? '../../types.js' : undefined));
    }
    if (!checkout.has('src/server/requestBody.ts')) {
        // Released after the newest public snapshot.
        checkout.add('src/server/requestBody.ts', own('files/requestBody.ts'));
    }
    const tests = 'files/test/server/';
    for (const name of readdirSync(new URL(tests, import.meta.url))) {
        checkout.add(`test/server/${name}`, own(tests + name));
    }
    checkout.add('.changeset/session-handler.md', own('files/changeset.md'));
}

function own(file) {
    return readFileSync(new URL(file, import.meta.url), 'utf8');
}
