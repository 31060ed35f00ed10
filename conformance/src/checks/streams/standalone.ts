import { isResponse } from '../../http/jsonRpcMessage.ts';
import type { Check } from '../check.ts';
import { demand, demandEqual } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { announce, announced, announcementsIn, listen, startSleep } from '../support/tools.ts';

const messageFromAnywhere: Check = {
    id: 'streams.message-from-anywhere',
    async run({ deployment, client }) {
        for (const listener of deployment.nodes) {
            const session = await client.openSession(nodeAt(deployment, 0));
            const stream = await listen(client, listener, session);
            for (const sender of deployment.nodes) {
                await announce(client, sender, session, `from ${sender.id}`);
                await announced(stream, `from ${sender.id}`);
            }
        }
    }
};

const burst = 50;

const onceAndInOrder: Check = {
    id: 'streams.once-and-in-order',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const stream = await listen(client, nodeAt(deployment, 0), session);
        const senders = deployment.nodes;
        await Promise.all(senders.map(sender => announce(client, sender, session, sender.id, burst)));
        // Each node's last message proves that all before it have arrived that ever will.
        for (const sender of senders) {
            await announce(client, sender, session, `end of ${sender.id}`);
        }
        const ends = senders.map(sender => `end of ${sender.id}`);
        const missing = new Set(ends);
        await stream.message('the last message of each node', message => {
            announcementsIn([message]).forEach(({ text }) => missing.delete(text));
            return missing.size === 0;
        });
        const all = announcementsIn(stream.messages);
        for (const sender of senders) {
            const numbers = all.filter(({ text }) => text === sender.id).map(({ i }) => i);
            demandEqual(numbers, [...Array(burst).keys()], `The numbers of the messages that were sent at ${sender.id}`);
            demandEqual(
                all.filter(({ text }) => text === `end of ${sender.id}`).length,
                1,
                `How often the last message of ${sender.id} came`
            );
        }
    }
};

const largeMessage: Check = {
    id: 'streams.large-message',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const stream = await listen(client, nodeAt(deployment, 0), session);
        const text = 'ä€😀x'.repeat(6_554);
        await announce(client, nodeAt(deployment, 1), session, text);
        await announce(client, nodeAt(deployment, 1), session, 'after it');
        await announced(stream, 'after it');
        const [first] = announcementsIn(stream.messages);
        demand(first?.text === text, `A message of ${Buffer.byteLength(text)} bytes did not arrive as it was sent`);
    }
};

const sessionsKeptApart: Check = {
    id: 'streams.sessions-kept-apart',
    async run({ deployment, client }) {
        const sessions = await Promise.all([0, 1, 2].map(index => client.openSession(nodeAt(deployment, index))));
        const streams = await Promise.all(sessions.map((session, index) => listen(client, nodeAt(deployment, index), session)));
        for (const turn of ['first', 'second']) {
            for (const [index, session] of sessions.entries()) {
                for (const node of deployment.nodes) {
                    await announce(client, node, session, `${turn} of session ${index} from ${node.id}`);
                }
            }
        }
        for (const [index, stream] of streams.entries()) {
            for (const node of deployment.nodes) {
                const last = `second of session ${index} from ${node.id}`;
                if (!announcementsIn(stream.messages).some(({ text }) => text === last)) {
                    await announced(stream, last);
                }
            }
            const foreign = announcementsIn(stream.messages).find(({ text }) => !text.includes(`session ${index}`));
            demand(foreign === undefined, `The stream of session ${index} has a message of another: ${foreign?.text}`);
        }
    }
};

const notBroadcast: Check = {
    id: 'streams.not-broadcast',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const stream = await listen(client, nodeAt(deployment, 1), session);
        const sleeping = await startSleep(client, nodeAt(deployment, 0), session, { ms: 600, steps: 12 });
        const calls = await Promise.all(
            deployment.nodes.map(node => client.startTool(node, session, 'announce', { text: `from ${node.id}` }))
        );
        await Promise.all(calls.map(call => client.toolResult(call)));
        await client.toolResult(sleeping);
        for (const node of deployment.nodes) {
            await announce(client, node, session, 'sentinel');
            await announced(stream, 'sentinel');
        }
        const everywhere = [stream, sleeping.answer, ...calls.map(({ answer }) => answer)].flatMap(({ messages }) =>
            announcementsIn(messages)
        );
        for (const node of deployment.nodes) {
            const times = everywhere.filter(({ text }) => text === `from ${node.id}`).length;
            demandEqual(times, 1, `How often the message of ${node.id} came, over all streams,`);
        }
    }
};

const newestListenerWins: Check = {
    id: 'streams.newest-listener-wins',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        await listen(client, nodeAt(deployment, 0), session);
        for (const index of [1, 2, 0]) {
            const stream = await listen(client, nodeAt(deployment, index), session);
            for (const node of deployment.nodes) {
                await announce(client, node, session, `for listener ${index} from ${node.id}`);
                await announced(stream, `for listener ${index} from ${node.id}`);
            }
        }
    }
};

const keptForFirstListener: Check = {
    id: 'streams.kept-for-first-listener',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            await announce(client, node, session, `early from ${node.id}`);
        }
        const stream = await listen(client, nodeAt(deployment, 1), session);
        for (const node of deployment.nodes) {
            await announced(stream, `early from ${node.id}`);
        }
    }
};

const logLevelRespected: Check = {
    id: 'streams.log-level-respected',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const stream = await listen(client, nodeAt(deployment, 0), session);
        for (const node of deployment.nodes) {
            await announce(client, node, session, 'before');
        }
        await client.request(nodeAt(deployment, 1), session, 'logging/setLevel', { level: 'error' });
        for (const node of deployment.nodes) {
            await announce(client, node, session, 'hidden');
        }
        await client.request(nodeAt(deployment, 2), session, 'logging/setLevel', { level: 'info' });
        for (const node of deployment.nodes) {
            await announce(client, node, session, `seen from ${node.id}`);
            await announced(stream, `seen from ${node.id}`);
        }
        const hidden = announcementsIn(stream.messages).filter(({ text }) => text === 'hidden');
        demand(hidden.length === 0, `A message of level info came while the level was error, from ${hidden[0]?.node}`);
    }
};

const noResponseOnStandalone: Check = {
    id: 'streams.no-response-on-standalone',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const stream = await listen(client, nodeAt(deployment, 1), session);
        for (const node of deployment.nodes) {
            await client.callTool(node, session, 'sleep', { ms: 5 });
            await client.request(node, session, 'no/such/method');
            await announce(client, node, session, `sentinel of ${node.id}`);
            await announced(stream, `sentinel of ${node.id}`);
        }
        const response = stream.messages.find(isResponse);
        demand(response === undefined, `The standalone stream carries a response: ${JSON.stringify(response)}`);
    }
};

export const standaloneChecks: readonly Check[] = [
    messageFromAnywhere,
    onceAndInOrder,
    largeMessage,
    sessionsKeptApart,
    notBroadcast,
    newestListenerWins,
    keptForFirstListener,
    logLevelRespected,
    noResponseOnStandalone
];
