import { InMemoryTransport } from '../../src/inMemory.js';
import { Server } from '../../src/server/index.js';
import { CallToolRequestSchema } from '../../src/types.js';

describe('a cancellation', () => {
    test.each([1, 0, ''])('of the request with the id %j aborts its handler', async id => {
        const server = new Server({ name: 'test', version: '1.0.0' }, { capabilities: { tools: {} } });
        const aborted = new Promise<unknown>(resolve => {
            server.setRequestHandler(CallToolRequestSchema, (_request, { signal }) => {
                signal.addEventListener('abort', () => resolve(signal.reason));
                void client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason: 'enough' } });
                return new Promise(() => undefined);
            });
        });
        const [client, transport] = InMemoryTransport.createLinkedPair();
        await server.connect(transport);
        await client.start();
        await client.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'wait' } });
        expect(await aborted).toBe('enough');
        await server.close();
    });
});
