import { randomUUID } from 'node:crypto';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { CaseContext, CaseNeed, ContractCase, FullStore, StoreBackend, StoreHandle } from './contract.js';
import { eventually } from './waiting.js';

/** What a case needs and the backend does not offer. */
export function unmetNeeds(contractCase: ContractCase, backend: StoreBackend): readonly CaseNeed[] {
    return contractCase.needs.filter(need => (need === 'restart' ? backend.restart === undefined : !backend.capabilities.includes(need)));
}

/**
 * Runs one case on a backend.
 * @throws whatever the case found wrong, usually an `AssertionError`.
 */
export async function runCase(contractCase: ContractCase, backend: StoreBackend): Promise<void> {
    const handles: StoreHandle[] = [];
    const open = async (): Promise<FullStore> => {
        const handle = await backend.open();
        handles.push(handle);
        checkCapabilities(handle.store, backend);
        return fullStore(handle.store, contractCase);
    };
    try {
        const one = await open();
        const other = await open();
        const context: CaseContext = {
            one,
            other,
            open,
            sessionId: () => `contract-${randomUUID()}`,
            nodeId: () => `contract-${randomUUID()}`,
            elapse: ms => elapse(ms, one, backend),
            restart: async whileDown => {
                if (backend.restart === undefined) {
                    throw new Error(`The case ${contractCase.id} restarts the backend, but does not say that it needs to.`);
                }
                await backend.restart(whileDown);
            }
        };
        await contractCase.run(context);
    } finally {
        await Promise.all(handles.map(handle => handle.close()));
    }
}

/** A capability that the backend does not admit to would go untested. */
function checkCapabilities(store: TransportStore, { capabilities }: StoreBackend): void {
    for (const name of ['streams', 'inboxes'] as const) {
        if (capabilities.includes(name) !== (store[name] !== undefined)) {
            throw new Error(
                `The backend under test says that its store has the capabilities [${capabilities.join(', ')}], ` +
                    `but the store has ${store[name] === undefined ? 'no' : 'an'} object "${name}".`
            );
        }
    }
}

/**
 * Lets time pass. A session that nobody renews is the clock: when it has ended, everything that was stored before it with the same
 * lifetime or a shorter one is due, however slow the machine is.
 */
async function elapse(ms: number, { sessions }: FullStore, backend: StoreBackend): Promise<void> {
    const id = `contract-clock-${randomUUID()}`;
    await sessions.create(id, { record: '', state: {}, node: 'clock', ttlMs: ms });
    await backend.advance?.(ms + 1);
    await eventually(
        `a session with a ttlMs of ${ms} that nobody renews has expired`,
        async () => (await sessions.nodes(id)).length === 0,
        ms
    );
}

function fullStore(store: TransportStore, { id }: ContractCase): FullStore {
    const given = <Capability>(capability: Capability | undefined, name: CaseNeed): Capability => {
        if (capability === undefined) {
            throw new Error(`The case ${id} uses ${name}, which the store does not have.`);
        }
        return capability;
    };
    return {
        sessions: store.sessions,
        get streams() {
            return given(store.streams, 'streams');
        },
        get inboxes() {
            return given(store.inboxes, 'inboxes');
        },
        ping: () => store.ping()
    };
}
