import { isResponse } from '../../http/jsonRpcMessage.ts';
import type { Check } from '../check.ts';
import { demand, demandEqual, demandStatus, isRefusal } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { announce, announced, announcementOf, announcementsIn, listen, progressIn, resume, startSleep } from '../support/tools.ts';
import { abandonSleep, firstEventId } from './support.ts';

const eventIdsUnique: Check = {
    id: 'resumption.event-ids-unique',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const standalone = await listen(client, nodeAt(deployment, 0), session);
        const calls = await Promise.all(
            [0, 1, 2, 0, 1, 2].map(index => startSleep(client, nodeAt(deployment, index), session, { ms: 200, steps: 10 }))
        );
        for (const node of deployment.nodes) {
            await announce(client, node, session, `from ${node.id}`, 5);
        }
        await Promise.all(calls.map(({ answer, id }) => answer.response(id)));
        for (const node of deployment.nodes) {
            await announce(client, node, session, `last of ${node.id}`);
            await announced(standalone, `last of ${node.id}`);
        }
        const ids = [standalone, ...calls.map(({ answer }) => answer)].flatMap(({ arrivals }) =>
            // What comes twice under one id is a message that was repeated, or a batch.
            [...new Set(arrivals.flatMap(({ eventId }) => eventId ?? []))]
        );
        demand(ids.length > 60, `Only ${ids.length} of more than 60 events have an id`);
        const seen = new Set<string>();
        const repeated = ids.find(id => seen.size === seen.add(id).size);
        demand(repeated === undefined, `Two streams of a session have an event with the id ${repeated}`);
    }
};

const standalone: Check = {
    id: 'resumption.standalone',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        let stream = await listen(client, nodeAt(deployment, 0), session);
        await announce(client, nodeAt(deployment, 1), session, 'first');
        await announced(stream, 'first');
        for (const index of [1, 2, 0]) {
            const { lastEventId } = stream;
            await stream.close();
            for (const node of deployment.nodes) {
                await announce(client, node, session, `missed by ${index} from ${node.id}`, 3);
            }
            stream = await resume(client, nodeAt(deployment, index), session, lastEventId);
            await announce(client, nodeAt(deployment, index + 1), session, `live for ${index}`);
            await announced(stream, `live for ${index}`);
            const missed = announcementsIn(stream.messages).filter(({ text }) => text.startsWith('missed'));
            const expected = deployment.nodes.flatMap(node => [0, 1, 2].map(i => `missed by ${index} from ${node.id} ${i}`));
            demandEqual(
                missed.map(({ text, i }) => `${text} ${i}`),
                expected,
                'What was sent while nobody listened'
            );
            const others = announcementsIn(stream.messages).filter(({ text }) => !text.startsWith('missed'));
            demandEqual(
                others.map(({ text }) => text),
                [`live for ${index}`],
                'What else came'
            );
        }
    }
};

const ownStreamOnly: Check = {
    id: 'resumption.own-stream-only',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const listening = await listen(client, nodeAt(deployment, 0), session);
        await announce(client, nodeAt(deployment, 0), session, 'first');
        await announced(listening, 'first');
        await listening.close();
        const sleep = { ms: 300, steps: 6, seen: 1, finish: false };
        const left = await abandonSleep(client, nodeAt(deployment, 0), session, sleep);
        await announce(client, nodeAt(deployment, 1), session, 'missed');
        const ofRequest = await resume(client, nodeAt(deployment, 1), session, left.answer.lastEventId);
        await ofRequest.response(left.id);
        await ofRequest.ended();
        const foreign = ofRequest.messages.find(message => announcementOf(message) !== undefined);
        demand(foreign === undefined, `The stream of a request has a message of the standalone one: ${JSON.stringify(foreign)}`);
        const ofSession = await resume(client, nodeAt(deployment, 2), session, listening.lastEventId);
        await announced(ofSession, 'missed');
        demandEqual(progressIn(ofSession.messages, left.token), [], 'Progress on the standalone stream');
        demand(!ofSession.messages.some(isResponse), 'The standalone stream has a response of another stream');
    }
};

const foreignIdRefused: Check = {
    id: 'resumption.foreign-id-refused',
    async run({ deployment, client }) {
        const [session, other] = await Promise.all([0, 1].map(index => client.openSession(nodeAt(deployment, index))));
        if (session === undefined || other === undefined) {
            return;
        }
        const { answer, id } = await startSleep(client, nodeAt(deployment, 0), session, { ms: 50, steps: 5 });
        await answer.response(id);
        const lastEventId = firstEventId(answer);
        for (const node of deployment.nodes) {
            const foreign = await client.get(node, { session: other, lastEventId });
            await demandStatus(foreign, isRefusal, 'resuming a stream of another session');
        }
    }
};

const unknownIdRefused: Check = {
    id: 'resumption.unknown-id-refused',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            for (const lastEventId of ['never-given', '0', '../../etc/passwd']) {
                const answer = await client.get(node, { session, lastEventId });
                await demandStatus(answer, isRefusal, `resuming from event ${lastEventId}, which does not exist`);
            }
        }
    }
};

export const otherResumptionChecks: readonly Check[] = [eventIdsUnique, standalone, ownStreamOnly, foreignIdRefused, unknownIdRefused];
