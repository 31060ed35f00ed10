/**
 * Names of the keys in Redis.
 *
 * In a cluster, a script may use several keys only if they lie in one hash slot, which the part between the first braces of a key
 * decides (the hash tag). So the tag of a session's keys is the session id, and that of a node's keys the node id.
 */
export class KeyLayout {
    readonly #prefix: string;

    /** @param prefix what all keys begin with; without braces, which would make it the hash tag. */
    constructor(prefix: string) {
        this.#prefix = prefix;
    }

    /** Hash of a session: its record, principal, revision, state and nodes. */
    session(sessionId: string): string {
        return `${this.#prefix}s:{${escapeBraces(sessionId)}}`;
    }

    /** Hash of a session: what is known of its streams, and who holds them. */
    streams(sessionId: string): string {
        return `${this.session(sessionId)}:streams`;
    }

    /** Sorted set of a session: the names of its streams, those to be given up first in front. */
    order(sessionId: string): string {
        return `${this.session(sessionId)}:order`;
    }

    /** Redis stream with the events of a stream. Scripts make the same names to drop streams of a session. */
    events(sessionId: string, streamId: string): string {
        return `${this.session(sessionId)}:e:${streamId}`;
    }

    /** List that remembers for seconds how a session was deleted, so that deleting it can be repeated. */
    deletion(sessionId: string): string {
        return `${this.session(sessionId)}:deletion`;
    }

    /** Hash that exists while the lease of a node runs. It counts the messages that were sent to the node. */
    lease(node: string): string {
        return `${this.#prefix}n:{${node}}:lease`;
    }

    /** Redis stream with the messages that a node has not received yet. */
    inbox(node: string): string {
        return `${this.#prefix}n:{${node}}:inbox`;
    }
}

/** Keeps a session id from ending the hash tag early; ids without braces and percent signs, as all usual ones, stay readable. */
function escapeBraces(id: string): string {
    return /[{}%]/.test(id) ? id.replace(/[{}%]/g, character => `%${character.charCodeAt(0).toString(16)}`) : id;
}
