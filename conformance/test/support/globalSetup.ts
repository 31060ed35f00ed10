import { type TestProject } from 'vitest/node';
import { type Images, prepareImages } from '../../images/prepareImages.ts';
import { whyNoDocker } from '../../src/docker/availability.ts';

/** What container tests have to run with. */
export type ImageSupply =
    | { readonly status: 'ready'; readonly images: Images }
    /** Container tests are left out. */
    | { readonly status: 'skip' }
    /** Container tests fail, for this reason; other tests need not. */
    | { readonly status: 'fail'; readonly reason: string };

declare module 'vitest' {
    export interface ProvidedContext {
        imageSupply: ImageSupply;
    }
}

/** Builds the images before the first test, so that no test pays for it. */
export default async function setup(project: TestProject): Promise<void> {
    project.provide('imageSupply', await supplyImages());
}

async function supplyImages(): Promise<ImageSupply> {
    const reason = await whyNoDocker();
    if (reason !== undefined) {
        if (process.env.CI) {
            return { status: 'fail', reason: `Container tests need Docker, and in CI they are not left out, but ${reason}` };
        }
        console.warn(`Container tests are skipped: they need Docker, but ${reason}`);
        return { status: 'skip' };
    }
    try {
        return { status: 'ready', images: await prepareImages(line => console.log(line)) };
    } catch (error) {
        console.error(error);
        return { status: 'fail', reason: `The images could not be prepared: ${error instanceof Error ? error.message : String(error)}` };
    }
}
