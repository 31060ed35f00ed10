import { type SessionHandlerOptions } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { type TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { type Serve } from './mcpRequest.ts';

/** What is wrong with the nodes of one deployment. What a part does not mention is as it should be. */
export interface DefectParts {
    readonly options?: Partial<SessionHandlerOptions>;
    /** What a node takes for the store that it shares with the others. */
    readonly store?: (store: TransportStore) => TransportStore;
    /** What stands before a node's session handler. @param node its name. */
    readonly serve?: (next: Serve, node: string) => Serve;
    /** How a node ends when it is told to. Rejects for an exit code other than 0. @param drain ends it as it should be. */
    readonly close?: (drain: (deadlineMs?: number) => Promise<void>) => Promise<void>;
    /** Whether a node says that it is ready. */
    readonly isReady?: (isReady: () => Promise<boolean>) => Promise<boolean>;
    readonly ignoresOrigin?: boolean;
    readonly ignoresMissingToken?: boolean;
}

/** A fault of a server that a check has to notice. */
export interface Defect {
    /** What a server with it does. */
    readonly title: string;
    /** Called for each deployment: what it remembers is then shared by the deployment's nodes. */
    make(): DefectParts;
}
