import { readFileSync } from 'node:fs';
import { ownSource } from '../lib/ownSources.mjs';

/** A public way to build the transports for a session that exists already. */

const places = {
    'v1.x': { root: 'src/server/', source: 'src/server/webStandardStreamableHttp.ts', test: 'test/server/', sdk: '../../types.js' },
    main: {
        root: 'packages/server/src/server/',
        source: 'packages/server/src/server/streamableHttp.ts',
        test: 'packages/server/test/server/',
        sdk: '@modelcontextprotocol/core-internal'
    }
};

/** Modules of the fork that do the work. */
export const modules = [
    'http/restoredSession.ts',
    'http/restoring.ts',
    'session/replay.ts',
    'session/sessionRestoreError.ts',
    'session/sessionIds.ts',
    'session/causedError.ts'
];

const options = `/**
 * Called with what is to be stored of a session that begins, so that another transport can be built for it, see {@link restoredSession}.
 * The client is answered when the promise resolves. If it rejects, the client gets an error.
 */
onsessionchanged?: (sessionId: string, session: RestoredSession) => void | Promise<void>;

/**
 * Builds the transport for a session that exists already, on whatever process and with whatever storage.
 *
 * While \`server.connect(transport)\` runs, the server object learns what it must know of its client: capabilities, name and
 * version, protocol version and log level. Requests that arrive meanwhile wait. No callback for sessions is called and nothing
 * goes to the event store; the server's \`oninitialized\` does fire, since the server object is new.
 */
restoredSession?: RestoredSession;`;

/** @param {import('../lib/checkout.mjs').Checkout} checkout */
export function apply(checkout) {
    const { branch } = checkout;
    const { root, source, test, sdk } = places[branch];
    for (const file of modules) {
        checkout.add(root + file, ownSource(file, branch, sdk));
    }
    editTransport(checkout.edit(source), branch === 'main' ? '' : '.js');
    if (branch === 'main') {
        const index = checkout.edit('packages/server/src/index.ts');
        // The class itself would need a brand, which its errors don't: their codes tell what they are.
        index.append(
            "export type { RestoredSession } from './server/http/restoredSession';\n" +
                "export type { SessionRestoreError, SessionRestoreErrorCode } from './server/session/sessionRestoreError';\n"
        );
    }
    checkout.add(`${test}restoredSession.test.ts`, own(`files/imports.${branch}.ts`) + own('files/restoredSession.test.ts'));
    checkout.add('.changeset/restored-session.md', own(`files/changeset.${branch}.md`));
}

function editTransport(file, extension) {
    file.addImport(
        `import { checkRestoredSession, type RestoredSession } from './http/restoredSession${extension}';\n` +
            `import { Restoring } from './http/restoring${extension}';`
    );
    if (extension !== '') {
        file.append(
            `\nexport type { RestoredSession } from './http/restoredSession${extension}';\n` +
                `export { SessionRestoreError, type SessionRestoreErrorCode } from './session/sessionRestoreError${extension}';\n`
        );
    }
    file.addToInterface('WebStandardStreamableHTTPServerTransportOptions', options);
    const transport = file.inClass('WebStandardStreamableHTTPServerTransport');
    transport.addAfterProperty(
        '_closed',
        `private _restoring?: Restoring;
private _onsessionchanged?: (sessionId: string, session: RestoredSession) => void | Promise<void>;`
    );
    transport.constructorBody().append(`this._onsessionchanged = options.onsessionchanged;
const { restoredSession } = options;
if (restoredSession !== undefined) {
    checkRestoredSession(restoredSession);
    this.sessionIdGenerator ??= () => restoredSession.sessionId;
    this.sessionId = restoredSession.sessionId;
    this._initialized = true;
    this._restoring = new Restoring(restoredSession);
}`);
    transport.method('start').append(`await this._restoring?.run(message => this.onmessage?.(message));
this._restoring = undefined;`);
    transport.method('handleRequest').prepend('await this._restoring?.finished;');
    transport.method('handlePostRequest').addAfterIf(
        ['sessionId', '_onsessioninitialized'],
        `if (this.sessionId) {
    const { params } = messages.find(message => isInitializeRequest(message))!;
    await this._onsessionchanged?.(this.sessionId, { sessionId: this.sessionId, initialize: params });
}`,
        4
    );
    transport.method('send').prepend(`if (this._restoring?.replies.take(message, options?.relatedRequestId)) {
    return;
}`);
    transport.method('close').prepend('this._restoring?.abandon();');
}

function own(file) {
    return readFileSync(new URL(file, import.meta.url), 'utf8');
}
