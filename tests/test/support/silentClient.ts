import { once } from 'node:events';
import { connect } from 'node:net';

/** A client whose connection is open while it reads nothing, as after a laptop was closed or a mobile network was left. */
export interface SilentClient {
    /** Reads on, up to the end of the answer or of the connection. @returns all that was sent after the headers. */
    wakeUp(): Promise<string>;
    disconnect(): void;
}

/** Opens a session's standalone stream and falls silent as soon as the headers are there. */
export async function openSilently(url: string, session: string): Promise<SilentClient> {
    const { hostname, port, pathname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const headers = [
        `GET ${pathname} HTTP/1.1`,
        `Host: ${hostname}:${port}`,
        'Accept: text/event-stream',
        `Mcp-Session-Id: ${session}`,
        'Mcp-Protocol-Version: 2025-11-25',
        'Connection: close'
    ];
    socket.on('error', () => undefined);
    socket.write(`${headers.join('\r\n')}\r\n\r\n`);
    let text = '';
    while (!text.includes('\r\n\r\n')) {
        text += String((await once(socket, 'data'))[0]);
    }
    socket.pause();
    return {
        wakeUp: () =>
            new Promise(resolve => {
                const end = (): void => resolve(text.slice(text.indexOf('\r\n\r\n') + 4));
                socket.on('data', chunk => {
                    text += chunk.toString();
                    // The last chunk of an answer is empty.
                    if (text.endsWith('\r\n0\r\n\r\n')) {
                        end();
                    }
                });
                socket.on('close', end);
                socket.resume();
            }),
        disconnect: () => socket.destroy()
    };
}
