/** Finds or builds the images of the container tests and prints their names: `node conformance/images/build.ts`. */
import { whyNoDocker } from '../src/docker/availability.ts';
import { prepareImages } from './prepareImages.ts';

const reason = await whyNoDocker();
if (reason !== undefined) {
    console.error(`Docker is needed to build images, but ${reason}`);
    process.exit(1);
}
const start = performance.now();
try {
    const images = await prepareImages(line => console.error(line));
    for (const [role, name] of Object.entries({ ...images })) {
        console.log(`${role}\t${name}`);
    }
    console.error(`Images are ready after ${((performance.now() - start) / 1000).toFixed(1)} s.`);
} catch (error) {
    console.error(error);
    process.exit(1);
}
