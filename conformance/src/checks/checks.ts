import type { Check } from './check.ts';
import { clientChecks } from './client/client.ts';
import { deletionChecks } from './deletion/deletion.ts';
import { deployChecks } from './deploy/deploy.ts';
import { drainChecks } from './drain/drain.ts';
import { nodeFailureChecks } from './failure/nodes.ts';
import { storeFailureChecks } from './failure/store.ts';
import { limitChecks } from './limits/bounds.ts';
import { headerChecks } from './protocol/headers.ts';
import { messageChecks } from './protocol/messages.ts';
import { otherResumptionChecks } from './resumption/otherStreams.ts';
import { requestStreamResumptionChecks } from './resumption/requestStreams.ts';
import { cancellationChecks } from './routing/cancellation.ts';
import { replyChecks } from './routing/replies.ts';
import { securityChecks } from './security/access.ts';
import { concurrencyChecks } from './session/concurrency.ts';
import { idChecks } from './session/ids.ts';
import { lifetimeChecks } from './session/lifetime.ts';
import { sharingChecks } from './session/sharing.ts';
import { requestStreamChecks } from './streams/requestStreams.ts';
import { standaloneChecks } from './streams/standalone.ts';
import { workloadChecks } from './workload/workload.ts';

/** The check of every requirement. */
export const checks: readonly Check[] = [
    ...idChecks,
    ...sharingChecks,
    ...concurrencyChecks,
    ...lifetimeChecks,
    ...securityChecks,
    ...headerChecks,
    ...messageChecks,
    ...limitChecks,
    ...deletionChecks,
    ...replyChecks,
    ...cancellationChecks,
    ...standaloneChecks,
    ...requestStreamChecks,
    ...requestStreamResumptionChecks,
    ...otherResumptionChecks,
    ...storeFailureChecks,
    ...nodeFailureChecks,
    ...drainChecks,
    ...deployChecks,
    ...workloadChecks,
    ...clientChecks
];
