import { randomUUID } from 'node:crypto';
import type {
    NewSession,
    SessionAccess,
    SessionRecords,
    SessionRefusal,
    StoredSession
} from '@modelcontextprotocol/sdk/server/transportStore.js';
import { checkedDuration } from './arguments.js';
import type { KeyLayout } from './keys.js';
import type { RedisCommands } from './redisCommands.js';
import { arrayOf, integerOf, pairsOf, textsOf, unexpectedReply } from './replies.js';
import { createSession, deleteSession, openSession, touchSession, updateSession } from './scripts/sessionScripts.js';

const missing: SessionRefusal = { status: 'missing' };
const forbidden: SessionRefusal = { status: 'forbidden' };
const nodeField = 'n:';

/** {@link SessionRecords} in Redis. */
export class RedisSessionRecords implements SessionRecords {
    readonly #redis: RedisCommands;
    readonly #keys: KeyLayout;

    constructor(redis: RedisCommands, keys: KeyLayout) {
        this.#redis = redis;
        this.#keys = keys;
    }

    async create(sessionId: string, session: NewSession): Promise<boolean> {
        const args = [
            session.record,
            principalArgument(session),
            session.node ?? '',
            checkedDuration('ttlMs', session.ttlMs),
            session.maxAgeMs === undefined ? '' : checkedDuration('maxAgeMs', session.maxAgeMs),
            ...Object.entries(session.state).flat()
        ];
        // Repeated, it would find the session that it made itself.
        return integerOf(await this.#redis.run(createSession, this.#sessionKeys(sessionId), args, 'once')) === 1;
    }

    async touch(sessionId: string, access: SessionAccess): Promise<{ readonly status: 'ok'; readonly revision: number } | SessionRefusal> {
        const args = [principalArgument(access), checkedDuration('ttlMs', access.ttlMs)];
        const revision = integerOf(await this.#redis.run(touchSession, this.#sessionKeys(sessionId), args, 'repeatable'));
        return refusalOf(revision) ?? { status: 'ok', revision };
    }

    async open(
        sessionId: string,
        access: SessionAccess & { readonly node?: string | undefined }
    ): Promise<{ readonly status: 'ok'; readonly session: StoredSession } | SessionRefusal> {
        const args = [principalArgument(access), checkedDuration('ttlMs', access.ttlMs), access.node ?? ''];
        const reply = arrayOf(await this.#redis.run(openSession, this.#sessionKeys(sessionId), args, 'repeatable'));
        const revision = integerOf(reply[0]);
        const refusal = refusalOf(revision);
        if (refusal !== undefined) {
            return refusal;
        }
        const [record, ...state] = textsOf(reply.slice(1));
        return { status: 'ok', session: { record: record ?? unexpectedReply(reply), state: Object.fromEntries(pairsOf(state)), revision } };
    }

    async update(sessionId: string, state: Readonly<Record<string, string>>): Promise<number | undefined> {
        const args = Object.entries(state).flat();
        // Repeated, it may undo an update that was made at the same time, which is as if it had come after that one.
        const revision = integerOf(await this.#redis.run(updateSession, [this.#keys.session(sessionId)], args, 'repeatable'));
        return revision === 0 ? undefined : revision;
    }

    async nodes(sessionId: string): Promise<readonly string[]> {
        const key = this.#keys.session(sessionId);
        const fields = textsOf(await this.#redis.send(key, ['HKEYS', key], 'repeatable'));
        return fields.filter(field => field.startsWith(nodeField)).map(field => field.slice(nodeField.length));
    }

    async leave(sessionId: string, node: string): Promise<void> {
        const key = this.#keys.session(sessionId);
        await this.#redis.send(key, ['HDEL', key, `${nodeField}${node}`], 'repeatable');
    }

    async delete(
        sessionId: string,
        access: { readonly principal?: string | undefined }
    ): Promise<{ readonly status: 'ok'; readonly nodes: readonly string[] } | SessionRefusal> {
        const keys = [...this.#sessionKeys(sessionId), this.#keys.deletion(sessionId)] as const;
        const args = [principalArgument(access), randomUUID(), this.#keys.events(sessionId, '')];
        const reply = arrayOf(await this.#redis.run(deleteSession, keys, args, 'repeatable'));
        return refusalOf(integerOf(reply[0])) ?? { status: 'ok', nodes: textsOf(reply.slice(1)) };
    }

    #sessionKeys(sessionId: string): readonly [string, string, string] {
        return [this.#keys.session(sessionId), this.#keys.streams(sessionId), this.#keys.order(sessionId)];
    }
}

/** Tells nobody from somebody with an empty name. */
function principalArgument({ principal }: { readonly principal?: string | undefined }): string {
    return principal === undefined ? '' : `=${principal}`;
}

function refusalOf(reply: number): SessionRefusal | undefined {
    if (reply > 0) {
        return undefined;
    }
    return reply === 0 ? missing : forbidden;
}
