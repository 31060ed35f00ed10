/** What real clients do is written down by a proxy, which must not be noticed by them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InProcessDriver } from '../broken/inProcessDriver.ts';
import { RecordingProxy } from '../src/checks/client/recordingProxy.ts';
import { announce, announced, listen } from '../src/checks/support/tools.ts';
import type { Deployment } from '../src/drivers/deployment.ts';
import { Recorder } from '../src/history/recorder.ts';
import { McpClient } from '../src/http/mcpClient.ts';

describe('the recording proxy', () => {
    let deployment: Deployment;
    let recorder: Recorder;
    let proxy: RecordingProxy;
    let client: McpClient;

    beforeEach(async () => {
        deployment = await new InProcessDriver(undefined).start(1, {});
        recorder = new Recorder();
        proxy = await RecordingProxy.start({ id: 'front', url: deployment.nodes[0]?.url ?? '' }, recorder);
        client = new McpClient({ recorder: new Recorder() });
    });

    afterEach(async () => {
        await client.close();
        await proxy.close();
        await deployment.close();
    });

    const endpoint = () => ({ id: 'proxy', url: proxy.url });

    it('writes down requests, statuses and messages', async () => {
        const session = await client.openSession(endpoint());
        await client.callTool(endpoint(), session, 'whoami');
        const texts = recorder.events.map(event => {
            switch (event.type) {
                case 'invoke':
                    return `${event.op} ${event.method} ${event.node} ${event.session === session.id}`;
                case 'response':
                    return `${event.op} ${event.status}`;
                default:
                    return `${'op' in event ? event.op : ''} ${event.type}`;
            }
        });
        expect(texts.toSorted()).toEqual(
            [
                ...['1 POST front false', '1 200', '1 message', '1 complete'],
                ...['2 POST front true', '2 202', '2 complete'],
                ...['3 POST front true', '3 200', '3 message', '3 complete']
            ].toSorted()
        );
    });

    it('hands on events when they come, and breaks connections when it is told to', async () => {
        const session = await client.openSession(endpoint());
        const stream = await listen(client, endpoint(), session);
        await announce(client, endpoint(), session, 'hello');
        await announced(stream, 'hello');
        expect(proxy.isOpen('GET')).toBe(true);
        expect(proxy.breakAnswers('DELETE')).toBe(0);
        expect(proxy.breakAnswers('GET')).toBe(1);
        expect(await stream.ended()).toMatchObject({ outcome: 'failed' });
        expect(proxy.isOpen('GET')).toBe(false);
    });

    it('lets the server notice that the client has gone', async () => {
        const session = await client.openSession(endpoint());
        const stream = await listen(client, endpoint(), session);
        await stream.close();
        // Two listeners can not be there at once; the newest would end the one before.
        const next = await listen(client, endpoint(), session);
        await announce(client, endpoint(), session, 'to the next');
        await announced(next, 'to the next');
        const [first] = recorder.events.filter(event => event.type === 'invoke' && event.method === 'GET');
        const ends = recorder.events.filter(event => event.type === 'complete' && first?.type === 'invoke' && event.op === first.op);
        expect(ends).toMatchObject([{ outcome: 'closed-by-client' }]);
    });

    it('answers 502 if nobody listens behind it', async () => {
        await deployment.close();
        const answer = await client.post(endpoint(), { jsonrpc: '2.0', id: 1, method: 'ping' });
        expect(answer.status).toBe(502);
        expect(recorder.events.at(-1)).toMatchObject({ type: 'complete', outcome: 'failed' });
    });
});
