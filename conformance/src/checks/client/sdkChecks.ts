import { z } from 'zod';
import { describeError, InconclusiveError, RequirementNotMetError, SuiteError } from '../../errors.ts';
import type { Check, CheckContext } from '../check.ts';
import { demand, demandEqual, demandStatus } from '../support/demands.ts';
import { abortedAnywhere, type Kind } from '../support/tools.ts';
import type { RecordingProxy } from './recordingProxy.ts';
import { clientInfo, type ConnectedClient, type ConnectOptions, type SdkClient } from './sdkClient.ts';
import { sdkClientV1 } from './sdkClientV1.ts';
import { sdkClientV2, sdkClientV2Auto } from './sdkClientV2.ts';
import { recorded, roundRobin, untilTrue } from './throughProxy.ts';

const timeoutMs = 60_000;
const waitMs = 8_000;

/** A client of the SDK that uses the nodes through the proxy. */
interface Scene extends CheckContext {
    readonly proxy: RecordingProxy;
    /** Connects, and goes away at the end of the check. */
    connect(options?: ConnectOptions): Promise<ConnectedClient>;
}

/** Does the same with several releases of the SDK, one after the other. */
function sdkCheck(
    id: string,
    scenario: (scene: Scene) => Promise<void>,
    releases: readonly SdkClient[] = [sdkClientV1, sdkClientV2]
): Check {
    return {
        id,
        timeoutMs,
        exclusive: true,
        async run(context) {
            for (const release of releases) {
                context.note(release.name);
                await recorded(context, roundRobin(context.deployment), proxy => play(context, release, proxy, scenario));
            }
        }
    };
}

async function play(
    context: CheckContext,
    { name, connect }: SdkClient,
    proxy: RecordingProxy,
    scenario: (scene: Scene) => Promise<void>
): Promise<void> {
    const clients: ConnectedClient[] = [];
    try {
        await scenario({
            ...context,
            proxy,
            connect: async (options = {}) => {
                const client = await connect(proxy.url, options);
                clients.push(client);
                return client;
            }
        });
    } catch (cause) {
        if (cause instanceof SuiteError && !(cause instanceof RequirementNotMetError)) {
            throw cause;
        }
        throw new RequirementNotMetError(`With ${name}: ${describeError(cause)}`, { cause });
    } finally {
        await Promise.all(clients.map(client => client.close()));
    }
}

const whoamiText = z.looseObject({ sessionId: z.unknown(), clientInfo: z.unknown() });

const calls = sdkCheck(
    'client.sdk-calls',
    async ({ connect, client, deployment }) => {
        const connected = await connect();
        const tools = await connected.listTools();
        demand(tools.includes('whoami'), `There is no tool whoami among ${tools.join(', ')}`);
        for (let call = 0; call < 2 * deployment.nodes.length; call++) {
            const { sessionId, clientInfo: known } = whoamiText.parse(JSON.parse(await connected.callTool('whoami')));
            demandEqual([sessionId, known], [connected.session.id, clientInfo], `The session and client of call ${call + 1}`);
        }
        await connected.terminate();
        for (const node of deployment.nodes) {
            const { answer } = await client.start(node, connected.session, 'ping');
            await demandStatus(answer, [404], 'a request after the client has ended the session');
        }
    },
    [sdkClientV1, sdkClientV2, sdkClientV2Auto]
);

const kinds: readonly Kind[] = ['elicitation', 'sampling', 'roots'];

const asked = sdkCheck('client.sdk-asked', async ({ connect, deployment }) => {
    let last = '';
    const connected = await connect({ answer: () => last });
    for (const kind of kinds) {
        for (const node of deployment.nodes.keys()) {
            last = `${kind}-${node}`;
            const text = await connected.callTool('ask', { kind, text: 'well?', timeoutMs: waitMs });
            demand(text.includes(last), `Tool ask should have got ${last} from the client, but returns ${text}`);
        }
    }
    last = 'changed';
    await connected.rootsChanged();
    const roots = await connected.callTool('ask', { kind: 'roots', timeoutMs: waitMs });
    demand(roots.includes(last), `Tool ask should have got the changed roots, but returns ${roots}`);
});

const steps = 10;
const allSteps = Array.from({ length: steps }, (_, index) => index + 1);

const progress = sdkCheck('client.sdk-progress', async ({ connect, deployment }) => {
    const connected = await connect();
    for (const node of deployment.nodes.keys()) {
        const seen: number[] = [];
        await connected.callTool('sleep', { ms: 300, steps }, { onprogress: step => seen.push(step) });
        demandEqual(seen, allSteps, `What the client was told of the progress of call ${node + 1}`);
    }
});

const announcement = z.looseObject({ text: z.string(), i: z.number() });

const notified = sdkCheck('client.sdk-notified', async ({ connect, deployment, proxy, signal }) => {
    const heard: string[] = [];
    const connected = await connect({
        onlog: data => {
            const { text, i } = announcement.parse(data);
            heard.push(`${text} ${i}`);
        }
    });
    await untilTrue("the answer to the client's GET", waitMs, signal, () => proxy.isOpen('GET'));
    const nodes = [...deployment.nodes.keys()];
    const announceEach = async (name: string) => {
        for (const node of nodes) {
            await connected.callTool('announce', { text: `${name} ${node}`, count: 3 });
        }
    };
    await connected.setLogLevel('debug');
    await announceEach('loud');
    await connected.setLogLevel('warning');
    await announceEach('quiet');
    await connected.setLogLevel('debug');
    await announceEach('end');
    const wanted = ['loud', 'end'].flatMap(name => nodes.flatMap(node => [0, 1, 2].map(i => `${name} ${node} ${i}`)));
    await untilTrue('all announcements', waitMs, signal, () => wanted.every(text => heard.includes(text)));
    for (const node of nodes) {
        const from = (texts: readonly string[]) => texts.filter(text => new RegExp(`^\\w+ ${node} `).test(text));
        demandEqual(from(heard), from(wanted), `The announcements of call ${node + 1} of each kind`);
    }
});

const spreadMs = 3_000 + 1_000;

const cancelled = sdkCheck('client.sdk-cancelled', async ({ connect, client, deployment, signal }) => {
    const connected = await connect();
    for (const node of deployment.nodes.keys()) {
        const before = (await abortedAnywhere(client, deployment, connected.session)).length;
        const cancellation = new AbortController();
        const call = connected.callTool(
            'sleep',
            { ms: 60_000, steps: 600 },
            { signal: cancellation.signal, onprogress: () => cancellation.abort() }
        );
        const outcome = await call.then(
            () => 'a result',
            () => undefined
        );
        demandEqual(outcome, undefined, `What came of call ${node + 1}, which the client has cancelled,`);
        const count = async () => (await abortedAnywhere(client, deployment, connected.session)).length;
        await untilTrue(`the abort signal of call ${node + 1}`, spreadMs, signal, async () => (await count()) > before);
    }
});

const reconnects = sdkCheck('client.sdk-reconnects', async ({ connect, proxy, note }) => {
    const connected = await connect();
    const seen: number[] = [];
    const broken: number[] = [];
    const breakAnswers = (method: 'POST' | 'GET') => {
        broken.push(proxy.breakAnswers(method));
        note(`${method} connections are broken`);
    };
    const text = await connected.callTool(
        'sleep',
        { ms: 3_000, steps },
        {
            onprogress: step => {
                seen.push(step);
                if (step === 3) {
                    breakAnswers('POST');
                } else if (step === 7) {
                    breakAnswers('GET');
                }
            }
        }
    );
    demand(text.startsWith('slept 3000'), `Tool sleep returned ${text}`);
    demandEqual(seen, allSteps, 'What the client was told of the progress over broken connections');
    if (broken.length < 2 || broken.includes(0)) {
        throw new InconclusiveError('The client had no connection that could be broken');
    }
});

const resumes = sdkCheck('client.sdk-resumes', async ({ connect, signal }) => {
    const first = await connect();
    let token: string | undefined;
    let lastStep = 0;
    const lost = first.callTool(
        'sleep',
        { ms: 2_000, steps },
        {
            onprogress: step => (lastStep = step),
            onresumptiontoken: eventId => (token = eventId)
        }
    );
    // The client goes away with it.
    lost.catch(() => undefined);
    await untilTrue('the third progress', waitMs, signal, () => lastStep >= 3);
    await first.close();
    demand(token !== undefined, 'The client was given no event ids');
    const second = await connect({ session: first.session });
    const text = await second.callTool('sleep', { ms: 2_000, steps }, { resumptionToken: token });
    demand(text.startsWith('slept 2000'), `What the second client has got of the call of the first is ${text}`);
});

export const sdkChecks: readonly Check[] = [calls, asked, progress, notified, cancelled, reconnects, resumes];
