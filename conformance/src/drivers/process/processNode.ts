import { HarnessError, RequirementNotMetError } from '../../errors.ts';
import type { DeployedNode } from '../deployment.ts';
import { becomesReady } from '../readiness.ts';
import { ChildProcess } from './childProcess.ts';
import type { TcpGate } from './tcpGate.ts';

export interface ProcessNodeOptions {
    readonly id: string;
    readonly port: number;
    readonly command: readonly string[];
    readonly cwd: string;
    readonly environment: Readonly<Record<string, string>>;
    /** What stands between the node and the store, if anything can. */
    readonly gate: TcpGate | undefined;
}

const startTimeoutMs = 30_000;
/** Servers have 15 seconds to end; some more shows that one took too long rather than cutting it off. */
const stopTimeoutMs = 20_000;

/** A node that is a process of this machine. */
export class ProcessNode implements DeployedNode {
    readonly id: string;
    readonly url: string;
    private readonly options: ProcessNodeOptions;
    private child: ChildProcess | undefined;
    private output = '';

    constructor(options: ProcessNodeOptions) {
        this.options = options;
        this.id = options.id;
        this.url = `http://127.0.0.1:${options.port}/mcp`;
    }

    /** Starts it for the first time. @throws {HarnessError} with what it wrote if it does not become ready. */
    async launch(): Promise<void> {
        const reason = await this.tryStart();
        if (reason !== undefined) {
            throw new HarnessError(`${this.id} (\`${this.options.command.join(' ')}\`) ${reason}. It wrote:\n${this.output.slice(-4_000)}`);
        }
    }

    async start(): Promise<void> {
        const reason = await this.tryStart();
        if (reason !== undefined) {
            throw new RequirementNotMetError(`${this.id} was started again and ${reason}`);
        }
    }

    async kill(): Promise<void> {
        await this.child?.kill();
    }

    async stop(): Promise<{ readonly exitCode: number | undefined }> {
        const { child } = this;
        if (child === undefined) {
            return { exitCode: undefined };
        }
        const timer = setTimeout(() => child.signal('SIGKILL'), stopTimeoutMs);
        child.signal('SIGTERM');
        try {
            return await child.whenEnded();
        } finally {
            clearTimeout(timer);
        }
    }

    pause(): Promise<void> {
        this.child?.signal('SIGSTOP');
        return Promise.resolve();
    }

    resume(): Promise<void> {
        this.child?.signal('SIGCONT');
        return Promise.resolve();
    }

    cutStore(): Promise<void> {
        this.options.gate?.shut();
        return Promise.resolve();
    }

    joinStore(): Promise<void> {
        this.options.gate?.open();
        return Promise.resolve();
    }

    logs(): Promise<string> {
        return Promise.resolve(this.output);
    }

    /** @returns what happened instead of its becoming ready. */
    private async tryStart(): Promise<string | undefined> {
        const { command, cwd, environment } = this.options;
        if (this.child?.ended === false) {
            throw new HarnessError(`${this.id} was to be started, and runs already`);
        }
        const child = await ChildProcess.spawn({ command, cwd, environment, onoutput: text => (this.output += text) });
        this.child = child;
        const endsFirst = new AbortController();
        const ended = child.whenEnded().then(({ exitCode }) => {
            endsFirst.abort();
            return `ended with ${exitCode ?? 'a signal'} before it was ready`;
        });
        const ready = becomesReady(() => this.url, startTimeoutMs, endsFirst.signal).then(isReady =>
            isReady ? undefined : `did not answer 200 at /healthz within ${startTimeoutMs / 1000} s`
        );
        return Promise.race([ready, ended]);
    }
}
