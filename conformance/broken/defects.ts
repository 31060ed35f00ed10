import { type Defect } from './defect.ts';
import { deletionDefects } from './defects/deletion.ts';
import { drainDefects } from './defects/drain.ts';
import { failureDefects } from './defects/failure.ts';
import { protocolDefects } from './defects/protocol.ts';
import { resumptionDefects } from './defects/resumption.ts';
import { routingDefects } from './defects/routing.ts';
import { securityDefects } from './defects/security.ts';
import { sessionDefects } from './defects/session.ts';
import { streamDefects } from './defects/streams.ts';

/** Everything that can be wrong with a server, by name. */
export const defects = {
    ...sessionDefects,
    ...securityDefects,
    ...protocolDefects,
    ...deletionDefects,
    ...routingDefects,
    ...streamDefects,
    ...resumptionDefects,
    ...failureDefects,
    ...drainDefects
} satisfies Record<string, Defect>;

export type DefectName = keyof typeof defects;

export function isDefect(name: string): name is DefectName {
    return Object.hasOwn(defects, name);
}
