import type { Requirement } from './requirement.ts';
import { client } from './requirements/client.ts';
import { deletion } from './requirements/deletion.ts';
import { deploy } from './requirements/deploy.ts';
import { drain } from './requirements/drain.ts';
import { failure } from './requirements/failure.ts';
import { limits } from './requirements/limits.ts';
import { protocol } from './requirements/protocol.ts';
import { resumption } from './requirements/resumption.ts';
import { routing } from './requirements/routing.ts';
import { security } from './requirements/security.ts';
import { session } from './requirements/session.ts';
import { streams } from './requirements/streams.ts';
import { workload } from './requirements/workload.ts';

/** Everything that the suite checks, area by area. */
export const manifest: readonly Requirement[] = [
    ...session,
    ...security,
    ...protocol,
    ...limits,
    ...deletion,
    ...routing,
    ...streams,
    ...resumption,
    ...failure,
    ...drain,
    ...deploy,
    ...workload,
    ...client
];
