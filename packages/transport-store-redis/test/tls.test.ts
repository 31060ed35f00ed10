import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisTransportStore } from '../src/index.js';
import { absenceOfTls, titled } from './support/availability.js';
import { freePort } from './support/freePort.js';
import { type RedisServer, startProgram } from './support/redisServer.js';
import { freshPrefix, longMs, newSession, signal } from './support/stores.js';

/** A certificate for this machine, and its key. */
function makeCertificate(cert: string, key: string): void {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
}

describe.skipIf(absenceOfTls)(titled('a connection with TLS', absenceOfTls), () => {
    let folder: string;
    let server: RedisServer;
    let port: number;
    let ca: string;

    beforeAll(async () => {
        folder = await mkdtemp(path.join(tmpdir(), 'mcp-redis-tls-'));
        const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
        makeCertificate(cert, key);
        ca = await readFile(cert, 'utf8');
        port = await freePort();
        const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
        server = await startProgram(['--tls-port', String(port), ...files, '--tls-auth-clients', 'no']);
    });
    afterAll(async () => {
        await server.dispose();
        await rm(folder, { recursive: true });
    });

    test('is what the store uses for commands, and for the connection of its own', async () => {
        const keyPrefix = freshPrefix();
        const client = createClient({ url: `rediss://127.0.0.1:${port}`, name: keyPrefix, socket: { tls: true, ca } });
        client.on('error', () => {});
        await client.connect();
        const { sessions, inboxes } = new RedisTransportStore(client, { keyPrefix });
        await sessions.create('s', newSession({ state: { a: '1' } }));
        expect(await sessions.open('s', { ttlMs: longMs })).toMatchObject({ session: { state: { a: '1' } } });
        await inboxes.join('node', longMs);
        const delivered = signal<readonly string[]>();
        const subscription = await inboxes.receive('node', delivered.resolve, () => {});
        await inboxes.send('node', ['message']);
        expect(await delivered.promise).toEqual(['message']);

        const connections = String(await client.sendCommand(['CLIENT', 'LIST']))
            .split('\n')
            .filter(Boolean);
        const places = connections.map(line => /\bladdr=(\S+)/.exec(line)?.[1]);
        expect(places).toEqual([`127.0.0.1:${port}`, `127.0.0.1:${port}`]);
        await subscription.close();
        client.destroy();
    });
});
