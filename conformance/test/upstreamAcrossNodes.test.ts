/**
 * What the session layer is for: the unmodified SDK, with the map of sessions that its examples have, as three nodes
 * (https://github.com/modelcontextprotocol/typescript-sdk/issues/1658).
 */
import { Client } from '@modelcontextprotocol/sdk-upstream/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk-upstream/client/streamableHttp.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ContainerCluster } from '../src/cluster/containerCluster.ts';
import { callTool, get, initialize, post, sendInitialized, terminate } from '../src/http/mcpHttp.ts';
import { availableImages, describeWithContainers } from './support/containers.ts';

describeWithContainers('three nodes of the unmodified SDK', () => {
    let cluster: ContainerCluster;

    beforeAll(async () => {
        const { upstream, redis, proxy } = availableImages();
        cluster = await ContainerCluster.start({ image: upstream, redisImage: redis, proxyImage: proxy });
    });

    afterAll(async () => {
        await cluster?.close();
    });

    it('serve a session on the node that made it, and nowhere else', async () => {
        const [home, ...others] = cluster.nodes.map(node => node.url);
        const { session } = await initialize(home ?? '');
        expect(await sendInitialized(home ?? '', session)).toMatchObject({ status: 202 });
        for (const url of others) {
            const answers = [
                await post(url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami' } }, session),
                await get(url, session),
                await terminate(url, session)
            ];
            expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
        }
        expect(await callTool(home ?? '', session, 'whoami')).toMatchObject({ status: 200, nodeId: 'node-1' });
    });

    it("refuse the SDK's own client at its second request, when a proxy without affinity stands before them", async () => {
        const client = new Client({ name: 'sdk-client', version: '1.0.0' });
        const connecting = client.connect(new StreamableHTTPClientTransport(new URL(cluster.proxyUrl)));
        await expect(connecting).rejects.toThrow(/Session not found/);
        await client.close();
    });
});
