import type { Connection } from '../database/connection.js';

/**
 * Looks at regular times whether anybody else has written to the database. That is a look at shared memory, which needs no lock and no
 * disk; only if something has been written are the inboxes read.
 */
export class InboxPoll {
    readonly #connection: Connection;
    readonly #intervalMs: number;
    readonly #onLook: (hasChanged: boolean) => void;
    #timer: NodeJS.Timeout | undefined;
    #seenVersion: string | undefined;

    /** @param onLook told whether something may have been written since the last time. */
    constructor(connection: Connection, intervalMs: number, onLook: (hasChanged: boolean) => void) {
        this.#connection = connection;
        this.#intervalMs = intervalMs;
        this.#onLook = onLook;
    }

    start(): void {
        this.#timer ??= setInterval(() => this.#look(), this.#intervalMs).unref();
    }

    stop(): void {
        clearInterval(this.#timer);
        this.#timer = undefined;
    }

    #look(): void {
        const version = this.#version();
        const hasChanged = version === undefined || version !== this.#seenVersion;
        this.#seenVersion = version;
        this.#onLook(hasChanged);
    }

    #version(): string | undefined {
        try {
            // The first number changes with what other connections commit, the second with what is done on this one, by whomever.
            const row = this.#connection.sql().get('SELECT data_version, total_changes() AS own_changes FROM pragma_data_version');
            return `${this.#connection.generation} ${row?.integer('data_version')} ${row?.integer('own_changes')}`;
        } catch {
            // The reading that follows meets the same failure and reports it.
            return undefined;
        }
    }
}
