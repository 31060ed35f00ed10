/** A session of three processes of this machine that share a SQLite file: what can be shown without any container. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessCluster } from '../src/cluster/processCluster.ts';
import { callTool, initialize, post, sendInitialized, terminate } from '../src/http/mcpHttp.ts';
import { RoundRobinProxy } from '../src/http/roundRobinProxy.ts';

describe('three processes that share a SQLite file', () => {
    let folder: string;
    let cluster: ProcessCluster;
    let proxy: RoundRobinProxy;

    beforeAll(async () => {
        folder = await mkdtemp(path.join(tmpdir(), 'session-conformance-'));
        cluster = await ProcessCluster.start({
            script: path.resolve(import.meta.dirname, '../fixtures/sdk/server.ts'),
            storeUrl: `sqlite://${folder}/sessions.db`
        });
        proxy = await RoundRobinProxy.start(cluster.nodes.map(node => node.url));
    });

    afterAll(async () => {
        await proxy?.close();
        await cluster?.close();
        await rm(folder, { recursive: true, force: true });
    });

    it('serve each step of a session elsewhere', async () => {
        const { session, nodeId } = await initialize(proxy.url);
        const initialized = await sendInitialized(proxy.url, session);
        const call = await callTool(proxy.url, session, 'whoami');
        const end = await terminate(proxy.url, session);
        expect([nodeId, initialized.nodeId, call.nodeId, end.nodeId]).toEqual(['node-1', 'node-2', 'node-3', 'node-1']);
        expect([initialized.status, call.status, end.status]).toEqual([202, 200, 200]);
        for (const { url } of cluster.nodes) {
            const http = await post(url, { jsonrpc: '2.0', id: 1, method: 'ping' }, session);
            await http.discard();
            expect(http.status).toBe(404);
        }
    });

    it('go on when one of them is killed', async () => {
        const { session } = await initialize(cluster.node(0).url);
        await sendInitialized(cluster.node(0).url, session);
        await cluster.node(0).kill();
        for (const index of [1, 2]) {
            expect(await callTool(cluster.node(index).url, session, 'whoami')).toMatchObject({ nodeId: `node-${index + 1}` });
        }
    });
});
