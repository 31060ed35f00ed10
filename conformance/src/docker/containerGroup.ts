import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type Dockerode from 'dockerode';
import { type ContainerRuntimeClient, getContainerRuntimeClient } from 'testcontainers';
import { z } from 'zod';

// Ryuk, which removes what crashed test runs leave behind, is an image of its own that can't be pulled everywhere. Its work is done
// here: everything carries the labels below, a group removes what is its own, and the next run removes what a dead process left.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
// In what looks like a container, testcontainers would knock at the gateway of Docker's default network; ports are published on the
// loopback address only.
process.env.TESTCONTAINERS_HOST_OVERRIDE ??= '127.0.0.1';

const labelPrefix = 'org.modelcontextprotocol.session-conformance';
const groupLabel = `${labelPrefix}.group`;
/** Host and process that look after a group. The host counts because several machines, or containers, can share a Docker daemon. */
export const ownerLabel = `${labelPrefix}.owner`;
const thisHost = `${hostname()}/`;
/** The {@link ownerLabel} of what this process makes. */
export const thisOwner = `${thisHost}${process.pid}`;

let leftoversRemoved: Promise<void> | undefined;

/**
 * Containers that belong together and end together.
 *
 * They have two networks: one in which they reach each other, from which a container can be cut off, and one through which this
 * machine reaches their published ports all the time.
 */
export class ContainerGroup {
    readonly client: ContainerRuntimeClient;
    /** Network that containers are to be created in. */
    readonly publicNetwork: string;
    private readonly privateNetwork: PrivateNetwork;
    private readonly id: string;
    private addressesGiven = 0;

    private constructor(client: ContainerRuntimeClient, id: string, publicNetwork: string, privateNetwork: PrivateNetwork) {
        this.client = client;
        this.id = id;
        this.publicNetwork = publicNetwork;
        this.privateNetwork = privateNetwork;
    }

    /** Makes a group without any container. Removes first, once per process, what dead processes have left. */
    static async create(): Promise<ContainerGroup> {
        const client = await getContainerRuntimeClient();
        const { dockerode } = client.container;
        leftoversRemoved ??= removeLeftovers(dockerode);
        await leftoversRemoved;
        const id = randomUUID();
        const publicNetwork = `session-conformance-${id}-public`;
        await dockerode.createNetwork({ Name: publicNetwork, Driver: 'bridge', Labels: labelsOf(id) });
        return new ContainerGroup(client, id, publicNetwork, await createPrivateNetwork(dockerode, id));
    }

    /** To be put on every container of the group. */
    get labels(): Record<string, string> {
        return labelsOf(this.id);
    }

    /** An address of the private network that nobody has. */
    newAddress(): string {
        const [first, second, third] = this.privateNetwork.subnet.split('.');
        return `${first}.${second}.${third}.${firstAddress + this.addressesGiven++}`;
    }

    /** Puts a container into the private network. */
    async connect(containerId: string, { address, alias }: { readonly address: string; readonly alias: string }): Promise<void> {
        const EndpointConfig = { Aliases: [alias], IPAMConfig: { IPv4Address: address } };
        await this.privateNetwork.network.connect({ Container: containerId, EndpointConfig });
    }

    async disconnect(containerId: string): Promise<void> {
        await this.privateNetwork.network.disconnect({ Container: containerId });
    }

    /** Removes all containers of the group, in whatever state they are, and the networks. */
    async remove(): Promise<void> {
        await removeByLabel(this.client.container.dockerode, `${groupLabel}=${this.id}`);
    }
}

interface PrivateNetwork {
    readonly network: Dockerode.Network;
    readonly subnet: string;
}

/** The last number of the first address that containers get; Docker takes the lowest ones for itself. */
const firstAddress = 10;
const networkAttempts = 5;

/**
 * Makes a network in which addresses can be chosen, so that containers keep theirs when they are started again: nginx asks for the
 * addresses of its nodes only once. Docker allows that in networks whose subnet was chosen too, but only Docker knows which subnets
 * are free. So it is asked to choose one, and the network is made again with that one.
 */
async function createPrivateNetwork(docker: Dockerode, id: string): Promise<PrivateNetwork> {
    // Docker publishes ports in networks that are not internal only, so it can't mistake this one for the public one.
    const options = { Driver: 'bridge', Internal: true, Labels: labelsOf(id) };
    for (let attempt = 1; ; attempt++) {
        const draft = await docker.createNetwork({ ...options, Name: `session-conformance-${id}-draft` });
        const subnet = await subnetOf(draft);
        await draft.remove();
        try {
            const IPAM = { Config: [{ Subnet: subnet }] };
            return { network: await docker.createNetwork({ ...options, Name: `session-conformance-${id}-private`, IPAM }), subnet };
        } catch (error) {
            // Somebody else may have been given the same subnet in between.
            if (attempt === networkAttempts) {
                throw error;
            }
        }
    }
}

const networkInspection = z.object({ IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string() })).min(1) }) });

async function subnetOf(network: Dockerode.Network): Promise<string> {
    const subnets = networkInspection.parse(await network.inspect()).IPAM.Config.map(({ Subnet }) => Subnet);
    const subnet = subnets.find(candidate => candidate.includes('.'));
    if (subnet === undefined) {
        throw new Error(`Docker made a network without IPv4 addresses: ${subnets.join(', ')}`);
    }
    return subnet;
}

function labelsOf(group: string): Record<string, string> {
    return { [groupLabel]: group, [ownerLabel]: thisOwner };
}

async function removeByLabel(docker: Dockerode, label: string): Promise<void> {
    const filters = JSON.stringify({ label: [label] });
    const containers = await docker.listContainers({ all: true, filters });
    await Promise.all(containers.map(({ Id }) => ignoreAbsence(docker.getContainer(Id).remove({ force: true, v: true }))));
    const networks = await docker.listNetworks({ filters });
    await Promise.all(networks.map(({ Id }) => ignoreAbsence(docker.getNetwork(Id).remove())));
}

/** Removes what processes of this host have left that no longer run. */
async function removeLeftovers(docker: Dockerode): Promise<void> {
    const filters = JSON.stringify({ label: [ownerLabel] });
    const [containers, networks] = await Promise.all([docker.listContainers({ all: true, filters }), docker.listNetworks({ filters })]);
    const owners = new Set([...containers, ...networks].map(({ Labels }) => Labels?.[ownerLabel] ?? ''));
    for (const owner of owners) {
        if (owner.startsWith(thisHost) && !isRunning(Number(owner.slice(thisHost.length)))) {
            await removeByLabel(docker, `${ownerLabel}=${owner}`);
        }
    }
}

function isRunning(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        // A process of another user exists although it can't be signalled.
        return error instanceof Error && 'code' in error && error.code === 'EPERM';
    }
}

async function ignoreAbsence(removal: Promise<unknown>): Promise<void> {
    try {
        await removal;
    } catch (error) {
        if (!(error instanceof Error && 'statusCode' in error && error.statusCode === 404)) {
            throw error;
        }
    }
}
