import { UsageError } from '../errors.ts';
import { isRemote, type LaunchedTarget, type Target } from '../targets/target.ts';
import type { Driver } from './deployment.ts';
import { ProcessDriver } from './processDriver.ts';
import { UrlDriver } from './urlDriver.ts';

export const driverNames = ['process', 'container', 'url'] as const;

export type DriverName = (typeof driverNames)[number];

/**
 * Makes what runs a target's nodes.
 * @param name Default: processes if the target names a command, else containers; for URLs there is nothing to run.
 * @param log is told what takes longer.
 * @throws {UsageError} if the target can't be run so.
 */
export async function createDriver(target: Target, name?: DriverName, log: (line: string) => void = () => {}): Promise<Driver> {
    if (isRemote(target)) {
        if (name !== undefined && name !== 'url') {
            throw new UsageError(`Target ${target.name} is a list of URLs, which can't be run with \`--driver ${name}\``);
        }
        return new UrlDriver(target);
    }
    switch (name ?? (target.command === undefined ? 'container' : 'process')) {
        case 'process':
            return new ProcessDriver(target);
        case 'container':
            return createContainerDriver(target, log);
        default:
            throw new UsageError(`Target ${target.name} names no URLs, so it can't be run with \`--driver url\``);
    }
}

const ownFixture = /^fixture:([a-z-]+)$/;

/** Loaded when it is needed, as are the libraries that it needs: most runs have no containers. */
async function createContainerDriver(target: LaunchedTarget, log: (line: string) => void): Promise<Driver> {
    if (target.image === undefined) {
        throw new UsageError(`Target ${target.name} names no image, so it can't be run with \`--driver container\``);
    }
    const { ContainerDriver } = await import('./containerDriver.ts');
    const { prepareImages } = await import('../../images/prepareImages.ts');
    const { redis, proxy, sdk } = await prepareImages(log);
    const fixture = ownFixture.exec(target.image)?.[1];
    if (fixture === undefined) {
        return new ContainerDriver(target, { server: target.image, redis, proxy });
    }
    // All fixtures are in each of their images; they differ in what is run.
    return new ContainerDriver(target, { server: sdk, command: ['node', `conformance/fixtures/${fixture}/server.ts`], redis, proxy });
}
