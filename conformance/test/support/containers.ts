import { describe, inject } from 'vitest';
import { type Images } from '../../images/prepareImages.ts';

const images = inject('images');

/** Describes tests that need containers. Without Docker they are skipped (in CI, the run fails instead). */
export const describeWithContainers = describe.skipIf(images === undefined);

/** The images to run in tests described with {@link describeWithContainers}. */
export function availableImages(): Images {
    if (images === undefined) {
        throw new Error('This test needs images; describe it with describeWithContainers');
    }
    return images;
}
