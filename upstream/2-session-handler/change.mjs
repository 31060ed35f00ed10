import { readFileSync } from 'node:fs';
import { modules as ofRestoredSession } from '../1-restored-session/change.mjs';
import { ownSource, ownSources } from '../lib/ownSources.mjs';
import { SourceFile } from '../lib/sourceFile.mjs';

/** TransportStore, TransportFactory and the session handler: files that are added. On main, the package's index exports them, too. */

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

/**
 * What is not for main: its package works on web-standard requests, for which `@modelcontextprotocol/node` has an adapter, and knows no
 * tasks.
 */
const notOnMain = ['http/nodeHttpExchange.ts', 'http/nodeEventStreamSink.ts', 'session/routedTaskMessages.ts'];

/** Modules that differ between the branches: what they import, and how a request reaches them. */
const ofMain = ['sessionHandler.ts', 'http/sdk.ts', 'http/requestInfo.ts', 'session/factoryContext.ts'];

const exportsOnMain = `export { InMemoryTransportStore } from './server/inMemoryTransportStore';
export type { PrincipalOf } from './server/session/principal';
export type { SessionEvent } from './server/session/sessionEvents';
export type { SessionHandlerOptions } from './server/session/sessionHandlerOptions';
export type { NodeControls, SessionCapabilities } from './server/session/sessionNode';
export type { SessionHandler } from './server/sessionHandler';
export { createSessionHandler } from './server/sessionHandler';
export type { SessionServer, TransportFactory, TransportFactoryContext } from './server/transportFactory';
// Whatever a store rejects with that has the name and a code of this error counts as one.
export type {
    AppendResult,
    EventStreams,
    HoldResult,
    InboxSubscription,
    NewSession,
    NodeInboxes,
    PublishResult,
    ReadResult,
    SessionAccess,
    SessionRecords,
    SessionRefusal,
    StoredSession,
    StreamEvent,
    StreamRetention,
    TransportStore,
    TransportStoreError,
    TransportStoreErrorCode
} from './server/transportStore';
`;

/** @param {import('../lib/checkout.mjs').Checkout} checkout */
export function apply(checkout) {
    if (checkout.branch === 'main') {
        applyToMain(checkout);
    } else {
        applyToV1(checkout);
    }
}

function applyToV1(checkout) {
    addSources(checkout, 'src/server/', name => ownSource(name, 'v1.x', ofRestoredSession.includes(name) ? '../../types.js' : undefined));
    if (!checkout.has('src/server/requestBody.ts')) {
        // Released after the newest public snapshot.
        checkout.add('src/server/requestBody.ts', own('files/requestBody.ts'));
    }
    addTests(checkout, 'test/server/');
    checkout.add('.changeset/session-handler.md', own('files/changeset.v1.x.md'));
}

function applyToMain(checkout) {
    const root = 'packages/server/src/server/';
    addSources(checkout, root, name => {
        if (notOnMain.includes(name)) {
            return undefined;
        }
        if (ofMain.includes(name)) {
            return own(`files/main/${name}`);
        }
        const text = ownSource(name, 'main', ofRestoredSession.includes(name) ? '@modelcontextprotocol/core-internal' : undefined);
        return name === 'transportFactory.ts' ? withoutTasks(new SourceFile(checkout.typescript(root + name), name, text)) : text;
    });
    checkout.add(`${root}requestBody.ts`, own('files/requestBody.ts'));
    checkout.edit('packages/server/src/index.ts').append(exportsOnMain);
    addTests(checkout, 'packages/server/test/server/');
    checkout.add('packages/server/test/server/sessionsBesideModern.test.ts', own('files/main/sessionsBesideModern.test.ts'));
    checkout.add('.changeset/session-handler.md', own('files/changeset.main.md'));
}

function addSources(checkout, root, sourceOf) {
    for (const name of ownSources().filter(file => !ofTransports.includes(file))) {
        const text = sourceOf(name);
        const isThere = ofRestoredSession.includes(name) && checkout.has(root + name);
        if (text !== undefined && !isThere) {
            checkout.add(root + name, text);
        }
    }
}

function addTests(checkout, root) {
    checkout.add(`${root}sessionHandler.test.ts`, own(`files/imports.${checkout.branch}.ts`) + own('files/sessionHandler.test.ts'));
}

function withoutTasks(transportFactory) {
    transportFactory.removeFromInterface('TransportFactoryContext', 'routeTaskMessages');
    transportFactory.removeImported('TaskMessageQueue');
    return transportFactory.result();
}

function own(file) {
    return readFileSync(new URL(file, import.meta.url), 'utf8');
}
