import { Wait } from 'testcontainers';
import { type ContainerGroup } from '../docker/containerGroup.ts';
import { ManagedContainer } from '../docker/managedContainer.ts';

const port = 8000;
const readinessPath = '/proxy-is-ready';
const configurationPath = '/etc/nginx/round-robin.conf';
const startTimeoutMs = 30_000;

/**
 * Starts nginx so that it sends each request to the next node in turn. Nodes have no affinity, nothing is buffered, and a request that
 * fails is not tried elsewhere: what a node does wrong reaches the client.
 *
 * @param nodes where the nodes listen, as `host:port`.
 */
export function startRoundRobinNginx(group: ContainerGroup, image: string, nodes: readonly string[]): Promise<ManagedContainer> {
    return ManagedContainer.start(group, {
        image,
        command: ['nginx', '-c', configurationPath, '-g', 'daemon off;'],
        alias: 'proxy',
        address: group.newAddress(),
        port,
        files: [{ target: configurationPath, content: configure(nodes) }],
        readyWhen: Wait.forHttp(readinessPath, port, { abortOnContainerExit: true }),
        startTimeoutMs
    });
}

function configure(nodes: readonly string[]): string {
    return `
user root;
worker_processes 1; # each worker would count turns for itself
error_log stderr warn;
pid /tmp/nginx.pid;
events {
    worker_connections 4096;
}
http {
    access_log off;
    upstream nodes {
${nodes.map(node => `        server ${node} max_fails=0;`).join('\n')}
    }
    server {
        listen ${port};
        location = ${readinessPath} {
            return 200;
        }
        location / {
            proxy_pass http://nodes;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_next_upstream off;
            proxy_connect_timeout 2s;
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
        }
    }
}
`;
}
