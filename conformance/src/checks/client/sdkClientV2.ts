import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
    capabilities,
    clientInfo,
    type ConnectedClient,
    type ConnectOptions,
    reconnectionOptions,
    requestTimeoutMs,
    type SdkClient
} from './sdkClient.ts';
import { answersWith, firstText, sessionOf } from './sdkMessages.ts';

const options = { timeout: requestTimeoutMs };

/** @param mode `auto` asks first whether the server speaks a revision without sessions, and makes a session if it does not. */
async function connect(
    url: string,
    mode: 'legacy' | 'auto',
    { session, answer = () => '', onlog }: ConnectOptions
): Promise<ConnectedClient> {
    const client = new Client(clientInfo, { capabilities, versionNegotiation: { mode } });
    const { elicitation, sampling, roots } = answersWith(answer);
    client.setRequestHandler('elicitation/create', elicitation);
    client.setRequestHandler('sampling/createMessage', sampling);
    client.setRequestHandler('roots/list', roots);
    client.setNotificationHandler('notifications/message', ({ params }) => onlog?.(params.data));
    const transport = new StreamableHTTPClientTransport(new URL(url), {
        reconnectionOptions,
        ...(session === undefined ? {} : { sessionId: session.id, protocolVersion: session.protocolVersion })
    });
    await client.connect(transport, options);
    return {
        session: sessionOf(transport),
        listTools: async () => (await client.listTools(undefined, options)).tools.map(({ name }) => name),
        callTool: async (name, args = {}, { onprogress, ...others } = {}) => {
            const progress = onprogress === undefined ? {} : { onprogress: (params: { progress: number }) => onprogress(params.progress) };
            return firstText(await client.callTool({ name, arguments: args }, { ...options, ...others, ...progress }));
        },
        setLogLevel: async level => {
            await client.setLoggingLevel(level, options);
        },
        rootsChanged: () => client.sendRootsListChanged(),
        terminate: () => transport.terminateSession(),
        close: () => client.close()
    };
}

/** Version 2 of the SDK. */
export const sdkClientV2: SdkClient = {
    name: "version 2 of the SDK's client",
    connect: (url, connectOptions) => connect(url, 'legacy', connectOptions)
};

/** Version 2 of the SDK, which finds out by itself whether the server has sessions. */
export const sdkClientV2Auto: SdkClient = {
    name: "version 2 of the SDK's client, negotiating the revision,",
    connect: (url, connectOptions) => connect(url, 'auto', connectOptions)
};
