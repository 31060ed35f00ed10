import { ErrorCode, McpError } from '@modelcontextprotocol/sdk-upstream/types.js';
import { type LogMessage } from './demoClient.ts';
import { type Lane } from './lane.ts';
import { type Traffic } from './traffic.ts';

/** Something that a client and a server do together, in one request or several. */
export interface Step {
    readonly title: string;
    /** @returns what has happened, in a few words. @throws {Error} if it did not happen as it should. */
    run(lane: Lane): Promise<string>;
}

/** The node that the session is made on, which knows it even without a store: fair is to begin there what concerns two nodes. */
const HOME = 'node-1';

/** A whole session. */
export const conversation: readonly Step[] = [
    {
        title: 'initialize, initialized, GET',
        async run({ demoClient, traffic }) {
            await demoClient.client.connect(demoClient.transport);
            // The client opens its stream by itself, and does not wait for it.
            await traffic.first(({ what }) => what === 'GET');
            return ['initialize', 'notifications/initialized', 'GET'].map(what => traffic.nodeOf(what)).join(', ');
        }
    },
    {
        title: 'tools/list',
        async run({ demoClient, traffic }) {
            const { tools } = await demoClient.client.listTools();
            check(tools.length > 0, 'no tools');
            return traffic.nodeOf('tools/list');
        }
    },
    {
        title: 'tools/call, three times',
        run: lane => callThreeTimes(lane, 'where', 3)
    },
    {
        title: 'tools/call with progress',
        async run({ demoClient }) {
            const seen: number[] = [];
            const node = await demoClient.call('count', { to: 5, everyMs: 20 }, { onprogress: ({ progress }) => seen.push(progress) });
            checkCount(seen, 5);
            return `${node} sends 5 of 5`;
        }
    },
    {
        title: 'question to the user, answered',
        async run({ demoClient, proxy, traffic }) {
            proxy.passTurns(node => node === HOME);
            demoClient.onquestion = () => proxy.passTurns(node => node !== HOME);
            const greeting = await traffic.unlessRefused(demoClient.call('greet'));
            check(greeting === 'Hello Ada', greeting);
            const { node } = await traffic.first(({ what }) => what === 'reply');
            return `${HOME} asks, ${node} is told`;
        }
    },
    {
        title: 'announcements from all nodes',
        async run(lane) {
            const nodes = await callThreeTimes(lane, 'announce', 3);
            await lane.traffic.unlessRefused(lane.demoClient.logged(hasErrorsOfThreeNodes));
            return nodes;
        }
    },
    {
        title: 'log level, set once, kept by all',
        async run(lane) {
            const { demoClient, traffic } = lane;
            await demoClient.client.setLoggingLevel('error');
            await callThreeTimes(lane, 'announce', 3);
            const messages = await traffic.unlessRefused(demoClient.logged(hasErrorsOfThreeNodes));
            const tooChatty = messages.find(({ level }) => level !== 'error');
            check(tooChatty === undefined, `${tooChatty?.node} does not know it`);
            return `set on ${traffic.nodeOf('logging/setLevel')}`;
        }
    },
    {
        title: 'call cancelled through another node',
        async run({ demoClient, proxy, traffic }) {
            const cancelling = new AbortController();
            proxy.passTurns(node => node === HOME);
            const call = demoClient.call('wait', {}, { signal: cancelling.signal }).catch(() => undefined);
            await traffic.first(({ what }) => what === 'tools/call');
            proxy.passTurns(node => node !== HOME);
            cancelling.abort();
            await call;
            const [stopped] = await traffic.unlessRefused(demoClient.logged(messages => messages.length > 0));
            check(stopped?.level === 'alert' && stopped.node === HOME, 'the tool runs on');
            await askedForMore(traffic);
            return `${HOME}, told by ${traffic.nodeOf('notifications/cancelled')}`;
        }
    },
    {
        title: 'call cut off, resumed elsewhere',
        async run({ demoClient, proxy, traffic }) {
            const seen: number[] = [];
            const onprogress = ({ progress }: { progress: number }): void => {
                seen.push(progress);
                if (progress === 5) {
                    proxy.passTurns(node => node !== HOME);
                    traffic.last('tools/call').cut();
                }
            };
            proxy.passTurns(node => node === HOME);
            await traffic.unlessRefused(demoClient.call('count', { to: 20, everyMs: 25 }, { onprogress }));
            checkCount(seen, 20);
            return `${HOME}, then ${traffic.nodeOf('GET')}: 20 of 20`;
        }
    },
    {
        title: 'node killed mid-call: error, no hang',
        async run({ demoClient, nodeNamed, proxy, traffic }) {
            let death: Promise<void> | undefined;
            const onprogress = ({ progress }: { progress: number }): void => {
                if (progress === 5) {
                    death = nodeNamed(HOME).kill();
                }
            };
            proxy.passTurns(node => node === HOME);
            const call = demoClient.call('count', { to: 1_000, everyMs: 25 }, { onprogress });
            const error = await traffic.unlessRefused(call.catch((reason: unknown) => reason));
            await death;
            check(error instanceof McpError && error.code === Number(ErrorCode.InternalError), 'no error of the server');
            await askedForMore(traffic);
            const { node } = await traffic.first(({ what }) => what === 'GET');
            return `${HOME} killed, ${node} says so`;
        }
    },
    {
        title: 'calls go on without that node',
        run: lane => callThreeTimes(lane, 'where', 2)
    },
    {
        title: 'new process in its place serves too',
        async run({ demoClient, proxy, restart }) {
            await restart(HOME);
            proxy.passTurns(node => node === HOME);
            return demoClient.call('where');
        }
    },
    {
        title: 'DELETE, then 404 from all nodes',
        async run({ demoClient, nodes, traffic }) {
            const { sessionId = '' } = demoClient.transport;
            await demoClient.transport.terminateSession();
            await demoClient.close();
            for (const { name, url } of nodes.filter(({ running }) => running)) {
                const { status } = await fetch(url, { headers: { accept: 'text/event-stream', 'mcp-session-id': sessionId } });
                check(status === 404, `${name} answers ${status}`);
            }
            return `DELETE → ${traffic.nodeOf('DELETE')}`;
        }
    }
];

/**
 * Calls a tool that returns the name of its node.
 * @param different how many different nodes there have to be.
 */
async function callThreeTimes({ demoClient }: Lane, tool: string, different: number): Promise<string> {
    const nodes = [await demoClient.call(tool), await demoClient.call(tool), await demoClient.call(tool)];
    check(new Set(nodes).size === different, `only ${nodes.join(', ')}`);
    return nodes.join(', ');
}

function hasErrorsOfThreeNodes(messages: readonly LogMessage[]): boolean {
    return new Set(messages.filter(({ level }) => level === 'error').map(({ node }) => node)).size === 3;
}

/** A client that got no result asks once whether there is more in the stream. It is told that there is not, and then leaves it be. */
async function askedForMore(traffic: Traffic): Promise<void> {
    await traffic.first(({ what, status }) => what === 'GET' && status === 204);
}

/** Each number has to have come once, in order. */
function checkCount(seen: readonly number[], to: number): void {
    check(seen.length === to && seen.every((number, index) => number === index + 1), `got ${seen.join(' ')}`);
}

function check(condition: boolean, problem: string): asserts condition {
    if (!condition) {
        throw new Error(problem);
    }
}
