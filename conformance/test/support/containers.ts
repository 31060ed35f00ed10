import { describe, inject, it } from 'vitest';
import { type Images } from '../../images/prepareImages.ts';

const supply = inject('imageSupply');

/**
 * Describes tests that need containers. Where there is no Docker they are skipped. Where they must not be, as in CI, a failing test
 * stands in their place.
 */
export function describeWithContainers(name: string, define: () => void): void {
    if (supply.status === 'fail') {
        describe(name, () => {
            it('have the containers that they need', () => {
                throw new Error(supply.reason);
            });
        });
    } else {
        describe.skipIf(supply.status === 'skip')(name, define);
    }
}

/** The images to run in tests described with {@link describeWithContainers}. @throws {Error} if there are none. */
export function availableImages(): Images {
    if (supply.status !== 'ready') {
        throw new Error('This test needs images; describe it with describeWithContainers');
    }
    return supply.images;
}
