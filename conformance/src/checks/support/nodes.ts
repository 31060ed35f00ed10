import type { DeployedNode, Deployment } from '../../drivers/deployment.ts';
import { HarnessError } from '../../errors.ts';

/** The node with an index from 0, counted round: with one node, all are the same one. */
export function nodeAt({ nodes }: Deployment, index: number): DeployedNode {
    const node = nodes[index % nodes.length];
    if (node === undefined) {
        throw new HarnessError('A deployment has no nodes');
    }
    return node;
}

/** Nodes other than the given one. */
export function othersThan({ nodes }: Deployment, id: string): readonly DeployedNode[] {
    return nodes.filter(node => node.id !== id);
}
