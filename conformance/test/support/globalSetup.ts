import { type TestProject } from 'vitest/node';
import { type Images, prepareImages } from '../../images/prepareImages.ts';
import { whyNoDocker } from '../../src/docker/availability.ts';

declare module 'vitest' {
    export interface ProvidedContext {
        /** Absent if there is no Docker. */
        images: Images | undefined;
    }
}

/** Builds the images before the first test, so that no test pays for it and a failure is told once. */
export default async function setup(project: TestProject): Promise<void> {
    const reason = await whyNoDocker();
    if (reason === undefined) {
        project.provide('images', await prepareImages(line => console.log(line)));
        return;
    }
    if (process.env.CI) {
        throw new Error(`The container tests need Docker, and in CI they must not be left out, but ${reason}`);
    }
    console.warn(`The container tests are skipped: they need Docker, but ${reason}`);
    project.provide('images', undefined);
}
