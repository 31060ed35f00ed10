import { churn, hop, jsonCalls, sseCalls } from './calls.ts';
import { fanOut } from './fanOut.ts';
import { reply, restore, resume } from './latency.ts';
import { idleMemory } from './memory.ts';
import type { Scenario } from './scenario.ts';
import { storedSessions } from './storedSessions.ts';

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [jsonCalls, sseCalls, hop, churn, fanOut, reply, resume, restore, idleMemory, storedSessions];
