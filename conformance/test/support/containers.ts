import { describe, inject } from 'vitest';
import { type Images } from '../../images/prepareImages.ts';

const supply = inject('imageSupply');

/** Describes tests that need containers. Where there is no Docker they are skipped; in CI they fail instead. */
export const describeWithContainers = describe.skipIf(supply.status === 'skip');

/** The images to run in tests described with {@link describeWithContainers}. @throws {Error} if there are none. */
export function availableImages(): Images {
    if (supply.status !== 'ready') {
        throw new Error(supply.status === 'fail' ? supply.reason : 'This test needs images; describe it with describeWithContainers');
    }
    return supply.images;
}
