import { type ServerResponse } from 'node:http';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createSessionHandler, type SessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { type TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { type AuthenticatedRequest } from '../fixtures/shared/accessControl.ts';
import { type NodeContext } from '../fixtures/shared/everythingServer.ts';
import { buildEverythingServer } from '../fixtures/shared/serverOfV1.ts';
import { SleepHistory } from '../fixtures/shared/sessionTools.ts';
import { type NodeSettings } from '../src/drivers/deployment.ts';
import { type DefectParts } from './defect.ts';
import { type McpRequest, readRequest, type Serve, writeResponse } from './mcpRequest.ts';

/** Shorter than the default, so that checks need not wait long until a node counts as dead. */
const nodeLeaseMs = 2_000;
const storeTimeoutMs = 1_000;

export interface BrokenEndpointOptions {
    readonly id: string;
    readonly settings: NodeSettings;
    readonly store: TransportStore;
    readonly defect: DefectParts;
    /** Is awaited before everything that leaves. Default: nothing to wait for. */
    readonly turn?: () => Promise<void>;
}

/** The fixture server on the session layer, with something in it that is wrong. */
export class BrokenEndpoint {
    private readonly handler: SessionHandler;
    private readonly defect: DefectParts;
    private readonly serve: Serve;
    private readonly turn: () => Promise<void>;

    constructor({ id, settings, store, defect, turn = () => Promise.resolve() }: BrokenEndpointOptions) {
        const node: NodeContext = { nodeId: id, sleepHistory: new SleepHistory() };
        this.defect = defect;
        this.turn = turn;
        this.handler = createSessionHandler(() => buildEverythingServer({ McpServer, ResourceTemplate }, node), {
            store: defect.store?.(store) ?? store,
            ...(settings.sessionTtlMs === undefined ? {} : { sessionTtlMs: settings.sessionTtlMs }),
            enableJsonResponse: settings.responseMode === 'json',
            ...(settings.resumable === undefined ? {} : { resumable: settings.resumable }),
            nodeLeaseMs,
            storeTimeoutMs,
            ...defect.options
        });
        const serve: Serve = request => this.handle(request);
        this.serve = defect.serve?.(serve, id) ?? serve;
    }

    async answer(req: AuthenticatedRequest, res: ServerResponse): Promise<void> {
        await writeResponse(await this.serve(await readRequest(req, res)), res, this.turn);
    }

    isReady(): Promise<boolean> {
        const isReady = () => this.handler.isReady();
        return this.defect.isReady?.(isReady) ?? isReady();
    }

    close(usualDeadlineMs: number): Promise<void> {
        const drain = (deadlineMs = usualDeadlineMs) => this.handler.close({ deadlineMs });
        return this.defect.close?.(drain) ?? drain();
    }

    /** Lets go of everything, as a process that ends does. */
    async discard(): Promise<void> {
        await this.handler.close({ deadlineMs: 1 });
    }

    private handle({ method, headers, body, authInfo }: McpRequest): Promise<Response> {
        if (method === 'TRACE') {
            // Not known to web-standard requests.
            return Promise.resolve(new Response(null, { status: 405 }));
        }
        const request = new Request('http://localhost/mcp', { method, headers, ...(method === 'POST' ? { body } : {}) });
        return this.handler.handleWebRequest(request, authInfo === undefined ? {} : { authInfo });
    }
}
