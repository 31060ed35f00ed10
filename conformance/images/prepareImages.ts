import { BaseImages } from './baseImages.ts';
import { buildFixtureImages, type FixtureImages } from './fixtureImages.ts';

/** Names of the images that container tests run, all of which this machine has. */
export interface Images extends FixtureImages {
    readonly redis: string;
    readonly proxy: string;
}

/**
 * Finds or builds every image that container tests need. Takes about a second when nothing has changed.
 * @param log is told what takes longer.
 */
export async function prepareImages(log: (line: string) => void = () => {}): Promise<Images> {
    const bases = new BaseImages(log);
    const redis = await bases.find('redis');
    const proxy = await bases.find('proxy');
    return { redis, proxy, ...(await buildFixtureImages(await bases.find('node'), log)) };
}
