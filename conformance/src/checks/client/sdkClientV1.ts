import { Client } from '@modelcontextprotocol/sdk-upstream/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk-upstream/client/streamableHttp.js';
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema,
    LoggingMessageNotificationSchema
} from '@modelcontextprotocol/sdk-upstream/types.js';
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

async function connect(url: string, { session, answer = () => '', onlog }: ConnectOptions): Promise<ConnectedClient> {
    const client = new Client(clientInfo, { capabilities });
    const { elicitation, sampling, roots } = answersWith(answer);
    client.setRequestHandler(ElicitRequestSchema, elicitation);
    client.setRequestHandler(CreateMessageRequestSchema, sampling);
    client.setRequestHandler(ListRootsRequestSchema, roots);
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => onlog?.(params.data));
    const transport = new StreamableHTTPClientTransport(new URL(url), {
        reconnectionOptions,
        ...(session === undefined ? {} : { sessionId: session.id })
    });
    if (session !== undefined) {
        transport.setProtocolVersion(session.protocolVersion);
    }
    await client.connect(transport, options);
    return {
        session: sessionOf(transport),
        listTools: async () => (await client.listTools(undefined, options)).tools.map(({ name }) => name),
        callTool: async (name, args = {}, { onprogress, ...others } = {}) => {
            const progress = onprogress === undefined ? {} : { onprogress: (params: { progress: number }) => onprogress(params.progress) };
            return firstText(await client.callTool({ name, arguments: args }, undefined, { ...options, ...others, ...progress }));
        },
        setLogLevel: async level => {
            await client.setLoggingLevel(level, options);
        },
        rootsChanged: () => client.sendRootsListChanged(),
        terminate: () => transport.terminateSession(),
        close: () => client.close()
    };
}

/** Version 1 of the SDK, in the release that the workspace forks. */
export const sdkClientV1: SdkClient = { name: "version 1 of the SDK's client", connect };
