import { DatabaseSync } from 'node:sqlite';
import type { RestoredSession } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

/** The table of sessions, in whatever database the application has. */
export class Sessions {
    private readonly database: DatabaseSync;

    constructor(file: string) {
        this.database = new DatabaseSync(file);
        this.database.exec('CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, session TEXT NOT NULL) STRICT');
    }

    /** What is stored is checked by the transport that is built from it. */
    find(id: string): RestoredSession | undefined {
        const row = this.database.prepare('SELECT session FROM sessions WHERE id = ?').get(id);
        if (typeof row?.['session'] !== 'string') {
            return undefined;
        }
        const session: unknown = JSON.parse(row['session']);
        return isSession(session) ? session : undefined;
    }

    put(session: RestoredSession): void {
        this.database.prepare('INSERT OR REPLACE INTO sessions VALUES (?, ?)').run(session.sessionId, JSON.stringify(session));
    }

    remove(id: string): void {
        this.database.prepare('DELETE FROM sessions WHERE id = ?').run(id);
    }
}

function isSession(value: unknown): value is RestoredSession {
    return typeof value === 'object' && value !== null && 'sessionId' in value && 'initialize' in value;
}
