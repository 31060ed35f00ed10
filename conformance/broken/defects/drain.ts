import { setTimeout as delay } from 'node:timers/promises';
import { type TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { type Defect } from '../defect.ts';
import { changed } from '../delegate.ts';
import { changeEvents } from '../rewriting.ts';

/** Longer than the checks look. */
const lateMs = 6_000;

export const drainDefects = {
    'exits-with-1': {
        title: 'Ends with an exit code that says that something went wrong',
        make: () => ({
            close: async drain => {
                await drain();
                throw new Error('for no reason');
            }
        })
    },
    'drain-hangs': { title: 'Does not end when it is told to', make: () => ({ close: () => new Promise(() => undefined) }) },
    'drain-aborts': {
        title: 'Ends at once when it is told to, whatever runs',
        make: () => {
            let aborting = Promise.resolve();
            return {
                close: drain => {
                    aborting = drain(1);
                    return aborting;
                },
                // Whoever sees that the node is not ready any more comes too late for certain.
                isReady: async isReady => {
                    await aborting;
                    return isReady();
                }
            };
        }
    },
    'drains-late': {
        title: 'Takes requests for a while after it was told to end',
        make: () => ({
            close: async drain => {
                await delay(lateMs);
                await drain();
            }
        })
    },
    'drain-ends-sessions': {
        title: 'Takes its sessions with it when it is told to end',
        make: () => {
            const sessions = new Map<string, TransportStore>();
            return {
                store: store =>
                    changed(store, {
                        sessions: changed(store.sessions, {
                            create: (id, session) => {
                                sessions.set(id, store);
                                return store.sessions.create(id, session);
                            }
                        })
                    }),
                close: async drain => {
                    await Promise.all([...sessions].map(([id, store]) => store.sessions.delete(id, {})));
                    sessions.clear();
                    await drain();
                }
            };
        }
    },
    'no-retry-hint': {
        title: 'Ends streams without a retry hint',
        make: () => ({
            serve: next => async request =>
                changeEvents(await next(request), event => {
                    const { retry: _, ...rest } = event;
                    return [rest];
                })
        })
    }
} satisfies Record<string, Defect>;
