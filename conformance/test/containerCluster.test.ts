import { networkInterfaces } from 'node:os';
import { connect } from 'node:net';
import { getContainerRuntimeClient } from 'testcontainers';
import { errors, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ContainerCluster } from '../src/cluster/containerCluster.ts';
import { untilReady } from '../src/cluster/clusterNode.ts';
import { ownerLabel, thisOwner } from '../src/docker/containerGroup.ts';
import { availableImages, describeWithContainers } from './support/containers.ts';

/** Which node answers `/healthz` at an address. */
async function nodeBehind(mcpUrl: string): Promise<string> {
    const { headers, body } = await request(new URL('/healthz', mcpUrl));
    await body.dump();
    return String(headers['x-node-id']);
}

/** How an attempt to connect ends. */
function outcomeOfConnecting(host: string, port: number): Promise<string> {
    return new Promise(resolve => {
        const socket = connect({ host, port });
        socket
            .once('connect', () => resolve('connected'))
            .once('error', error => resolve('code' in error ? String(error.code) : error.message));
        socket.once('connect', () => socket.destroy());
    });
}

describeWithContainers('a cluster of containers', () => {
    let cluster: ContainerCluster;

    beforeAll(async () => {
        const { upstream, redis, proxy } = availableImages();
        cluster = await ContainerCluster.start({ image: upstream, redisImage: redis, proxyImage: proxy });
    });

    afterAll(async () => {
        await cluster?.close();
    });

    it('reaches each node by itself', async () => {
        expect(await Promise.all(cluster.nodes.map(node => nodeBehind(node.url)))).toEqual(['node-1', 'node-2', 'node-3']);
    });

    it('reaches the nodes in turn through the proxy', async () => {
        const answered: string[] = [];
        for (let i = 0; i < 6; i++) {
            answered.push(await nodeBehind(cluster.proxyUrl));
        }
        expect(answered.slice(0, 3).toSorted()).toEqual(['node-1', 'node-2', 'node-3']);
        expect(answered.slice(3)).toEqual(answered.slice(0, 3));
    });

    it('publishes its ports on the loopback address only', async () => {
        const others = Object.values(networkInterfaces())
            .flatMap(addresses => addresses ?? [])
            .filter(({ internal, family }) => !internal && family === 'IPv4')
            .map(({ address }) => address);
        const port = Number(new URL(cluster.node(0).url).port);
        expect(await outcomeOfConnecting('127.0.0.1', port)).toBe('connected');
        for (const address of others) {
            expect(await outcomeOfConnecting(address, port)).toBe('ECONNREFUSED');
        }
    });

    it('finds a node again that was killed and started', async () => {
        const node = cluster.node(1);
        await node.kill();
        await expect(request(new URL('/healthz', node.url))).rejects.toThrow();
        await node.start();
        expect(await nodeBehind(node.url)).toBe('node-2');
        const viaProxy = [await nodeBehind(cluster.proxyUrl), await nodeBehind(cluster.proxyUrl), await nodeBehind(cluster.proxyUrl)];
        expect(viaProxy.toSorted()).toEqual(['node-1', 'node-2', 'node-3']);
    });

    it('tells how a node ended that was stopped', async () => {
        const node = cluster.node(2);
        expect(await node.stop()).toEqual({ exitCode: 0 });
        await node.start();
    });

    it('freezes a node, which answers later', async () => {
        const node = cluster.node(0);
        await node.container.pause();
        await expect(request(new URL('/healthz', node.url), { headersTimeout: 500 })).rejects.toThrow(errors.HeadersTimeoutError);
        await node.container.unpause();
        await untilReady(node);
    });

    it('cuts a node off from the others and connects it again', async () => {
        const node = cluster.node(0);
        const pingStore = [
            'node',
            '-e',
            "require('net').connect(6379, 'store').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"
        ];
        expect(await node.container.execute(pingStore)).toMatchObject({ exitCode: 0 });
        await node.container.disconnect();
        expect(await node.container.execute(pingStore)).toMatchObject({ exitCode: 1 });
        expect(await nodeBehind(node.url)).toBe('node-1');
        await node.container.connect();
        expect(await node.container.execute(pingStore)).toMatchObject({ exitCode: 0 });
    });

    it('shows what a node has written', async () => {
        expect(await cluster.node(0).container.logs()).toContain('node-1 is ready');
    });
});

describeWithContainers('a cluster that can not start', () => {
    it('fails with what the node wrote, and leaves nothing behind', async () => {
        const { upstream } = availableImages();
        const start = ContainerCluster.start({ image: upstream, nodes: 1, environment: { SESSION_TTL_MS: 'soon' } });
        await expect(start).rejects.toThrow(/SESSION_TTL_MS/);
        const { container } = await getContainerRuntimeClient();
        const filters = JSON.stringify({ label: [`${ownerLabel}=${thisOwner}`] });
        expect(await container.dockerode.listContainers({ all: true, filters })).toEqual([]);
        expect(await container.dockerode.listNetworks({ filters })).toEqual([]);
    });
});
