import type Dockerode from 'dockerode';
import { GenericContainer, type StartedTestContainer, type WaitStrategy } from 'testcontainers';
import { type ContainerGroup } from './containerGroup.ts';

export interface ContainerOptions {
    readonly image: string;
    /** Replaces the image's own command. */
    readonly command?: readonly string[] | undefined;
    readonly environment?: Readonly<Record<string, string>>;
    /** Name by which other containers of the group reach this one. */
    readonly alias: string;
    /** Where they reach it, from {@link ContainerGroup.newAddress}. */
    readonly address: string;
    /** TCP port inside the container that is published on the loopback address of this machine. */
    readonly port: number;
    readonly files?: readonly { readonly target: string; readonly content: string }[];
    readonly readyWhen: WaitStrategy;
    /** Milliseconds after which the start counts as failed. */
    readonly startTimeoutMs: number;
}

class LoopbackContainer extends GenericContainer {
    private readonly attach: (containerId: string) => Promise<void>;

    /**
     * @param port is published on the loopback address only: what runs here is made to be attacked, not to be reached from outside.
     * @param attach is called before the container's first start.
     */
    constructor(image: string, port: number, attach: (containerId: string) => Promise<void>) {
        super(image);
        const binding: Dockerode.PortBinding = { HostIp: '127.0.0.1', HostPort: '0' };
        this.exposedPorts = [port];
        this.createOpts.ExposedPorts = { [`${port}/tcp`]: {} };
        this.hostConfig.PortBindings = { [`${port}/tcp`]: [binding] };
        this.attach = attach;
    }

    protected override containerCreated(containerId: string): Promise<void> {
        return this.attach(containerId);
    }
}

/**
 * A container that can be treated badly.
 *
 * It is in its group's public network, through which this machine reaches it, and in the private one, in which it reaches the other
 * containers.
 */
export class ManagedContainer {
    private readonly group: ContainerGroup;
    private readonly container: Dockerode.Container;
    private readonly options: ContainerOptions;

    private constructor(group: ContainerGroup, container: Dockerode.Container, options: ContainerOptions) {
        this.group = group;
        this.container = container;
        this.options = options;
    }

    /** @throws {Error} with what the container wrote if it does not become ready in time. */
    static async start(group: ContainerGroup, options: ContainerOptions): Promise<ManagedContainer> {
        const logs: string[] = [];
        const definition = new LoopbackContainer(options.image, options.port, containerId => group.connect(containerId, options))
            .withNetworkMode(group.publicNetwork)
            .withLabels(group.labels)
            .withEnvironment({ ...options.environment })
            .withCopyContentToContainer([...(options.files ?? [])])
            .withWaitStrategy(options.readyWhen)
            .withStartupTimeout(options.startTimeoutMs)
            .withLogConsumer(stream => stream.on('data', chunk => logs.push(String(chunk))));
        if (options.command !== undefined) {
            definition.withCommand([...options.command]);
        }
        let started: StartedTestContainer;
        try {
            started = await definition.start();
        } catch (cause) {
            const reason = cause instanceof Error ? cause.message : String(cause);
            throw new Error(`Container ${options.alias} of ${options.image} did not become ready: ${reason}\n${logs.join('')}`, { cause });
        }
        return new ManagedContainer(group, group.client.container.getById(started.getId()), options);
    }

    /** Where the published port is now. It changes when the container is started again. */
    async hostPort(): Promise<number> {
        const { NetworkSettings } = await this.container.inspect();
        const port = NetworkSettings.Ports[`${this.options.port}/tcp`]?.[0]?.HostPort;
        if (port === undefined) {
            throw new Error(`Container ${this.options.alias} publishes no port now; is it running?`);
        }
        return Number(port);
    }

    async isRunning(): Promise<boolean> {
        return (await this.container.inspect()).State.Running;
    }

    /** Sends SIGTERM, and SIGKILL if the container has not ended after the given time. */
    async stop(graceSeconds: number): Promise<{ readonly exitCode: number }> {
        await this.container.stop({ t: graceSeconds });
        return { exitCode: (await this.container.inspect()).State.ExitCode };
    }

    /** Sends a signal, by default the one that ends the container at once. */
    async signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGHUP' = 'SIGKILL'): Promise<void> {
        await this.container.kill({ signal: name });
    }

    /** Resolves when the container has ended. */
    async ended(): Promise<{ readonly exitCode: number }> {
        await this.container.wait();
        return { exitCode: (await this.container.inspect()).State.ExitCode };
    }

    /** Starts the container again, with the files that it has. */
    async start(): Promise<void> {
        await this.container.start();
    }

    /** Freezes all processes of the container; its connections stay open. */
    async pause(): Promise<void> {
        await this.container.pause();
    }

    async unpause(): Promise<void> {
        await this.container.unpause();
    }

    /** Cuts the container off from the others. This machine still reaches it. */
    async disconnect(): Promise<void> {
        await this.group.disconnect(this.container.id);
    }

    /** Undoes {@link disconnect}. */
    async connect(): Promise<void> {
        await this.group.connect(this.container.id, this.options);
    }

    /** Runs a command in the container. */
    async execute(command: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }> {
        return this.group.client.container.exec(this.container, [...command]);
    }

    /** What the container has written so far, at most the given number of lines. */
    async logs(lines = 100): Promise<string> {
        const raw = await this.container.logs({ stdout: true, stderr: true, tail: lines });
        return demultiplex(raw);
    }
}

/** Docker precedes each piece of output with eight bytes, the last four of which tell its length. */
function demultiplex(raw: Buffer): string {
    let output = '';
    for (let at = 0; at + 8 <= raw.length;) {
        const end = at + 8 + raw.readUInt32BE(at + 4);
        output += raw.toString('utf8', at + 8, end);
        at = end;
    }
    return output;
}
