import type { Check } from '../check.ts';
import { commandLineChecks } from './commandLines.ts';
import { sdkChecks } from './sdkChecks.ts';

/** What real clients notice of the nodes. */
export const clientChecks: readonly Check[] = [...sdkChecks, ...commandLineChecks];
