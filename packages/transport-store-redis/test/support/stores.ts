import { randomUUID } from 'node:crypto';

/** A key prefix that no other run of the tests uses, as the server may be one that others use too. */
export function freshPrefix(): string {
    return `mcp-test-${randomUUID()}:`;
}
