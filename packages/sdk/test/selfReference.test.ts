import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import * as upstream from '@modelcontextprotocol/sdk-upstream/types.js';
import { expect, test } from 'vitest';

test('tests import the built package by its own name', () => {
    expect(LATEST_PROTOCOL_VERSION).toBe(upstream.LATEST_PROTOCOL_VERSION);
});
