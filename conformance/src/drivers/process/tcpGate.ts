import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands between a node and the store. Closed, it is a network that loses everything: connections stay, and nothing comes through them;
 * new ones are made, and lead nowhere.
 */
export class TcpGate {
    readonly port: number;
    private readonly server: Server;
    private readonly sockets = new Set<Socket>();
    private isOpen = true;

    private constructor(server: Server, port: number) {
        this.server = server;
        this.port = port;
    }

    static async start(target: { readonly host: string; readonly port: number }): Promise<TcpGate> {
        const server = createServer();
        await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
        const address = server.address();
        if (address === null || typeof address === 'string') {
            throw new Error('A gate listens on no TCP port');
        }
        const gate = new TcpGate(server, address.port);
        server.on('connection', socket => gate.accept(socket, target));
        return gate;
    }

    shut(): void {
        this.isOpen = false;
        for (const socket of this.sockets) {
            socket.pause();
            socket.unpipe();
        }
    }

    /** Connections from before are ended, as what was sent through them is lost. */
    open(): void {
        this.isOpen = true;
        this.endConnections();
    }

    async close(): Promise<void> {
        this.endConnections();
        await new Promise<void>(resolve => this.server.close(() => resolve()));
    }

    private accept(socket: Socket, target: { readonly host: string; readonly port: number }): void {
        this.track(socket);
        if (!this.isOpen) {
            socket.pause();
            return;
        }
        const onward = connect({ ...target, noDelay: true });
        socket.setNoDelay(true);
        this.track(onward);
        socket.on('close', () => onward.destroy());
        onward.on('close', () => socket.destroy());
        socket.pipe(onward);
        onward.pipe(socket);
    }

    private track(socket: Socket): void {
        this.sockets.add(socket);
        // An error is followed by 'close', which is all that matters here.
        socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    }

    private endConnections(): void {
        for (const socket of this.sockets) {
            socket.destroy();
        }
    }
}
