import { RequestStreamIds, producerOf } from '@modelcontextprotocol/sdk/server/session/eventIds.js';
import { randomName } from '@modelcontextprotocol/sdk/server/session/sessionIds.js';
import { expect, test } from 'vitest';

test('no random name is ever taken for the name of a request stream', () => {
    const names = Array.from({ length: 20_000 }, randomName);
    expect(names.filter(name => producerOf(name) !== undefined)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
});

test('the name of a request stream tells the node that writes it', () => {
    const node = randomName();
    const ids = new RequestStreamIds(node);
    expect([ids.next(), ids.next()].map(producerOf)).toEqual([node, node]);
    expect([producerOf(node), producerOf(`${node}-x`)]).toEqual([undefined, undefined]);
});
