import { createHash } from 'node:crypto';
import { CommandError, run, succeeds } from '../src/docker/command.ts';
import { buildDistributionImage, type DistributionImage, readDistribution } from './distributionImage.ts';

/** What the images are for that this project does not make itself. */
export type BaseRole = 'node' | 'redis' | 'proxy';

interface BaseImage {
    /** Environment variable that names an image to use instead. */
    readonly variable: string;
    readonly publicName: string;
    /** What to build where no image registry can be reached. */
    readonly fallback: DistributionImage;
}

const baseImages: Record<BaseRole, BaseImage> = {
    node: {
        variable: 'SESSION_CONFORMANCE_NODE_IMAGE',
        publicName: 'node:24-slim',
        // The Node that runs this script is the one that the workspace develops on.
        fallback: { packages: ['libstdc++6'], executables: { 'usr/local/bin/node': process.execPath } }
    },
    redis: {
        variable: 'SESSION_CONFORMANCE_REDIS_IMAGE',
        publicName: 'redis:7',
        fallback: { packages: ['redis-server'] }
    },
    proxy: {
        variable: 'SESSION_CONFORMANCE_PROXY_IMAGE',
        publicName: 'nginx:1',
        fallback: { packages: ['nginx-light'] }
    }
};

/** Part of the tags of built images, to be raised when the way in which they are built changes. */
const recipe = 1;

const inspectTimeoutMs = 15_000;
const pullTimeoutMs = 180_000;

/** Finds base images: those named by the environment, else public ones, else ones built from the distribution's packages. */
export class BaseImages {
    private readonly log: (line: string) => void;
    private registryError: CommandError | undefined;

    constructor(log: (line: string) => void) {
        this.log = log;
    }

    /** @returns the name of an image that this machine has. */
    async find(role: BaseRole): Promise<string> {
        const { variable, publicName, fallback } = baseImages[role];
        const named = process.env[variable];
        if (named !== undefined && named !== '') {
            if (!(await hasImage(named)) && !(await this.pull(named))) {
                throw new Error(`${variable} names ${named}, which could not be pulled.`, { cause: this.registryError });
            }
            return named;
        }
        const built = await nameOfBuilt(role, fallback);
        for (const name of [publicName, built]) {
            if (await hasImage(name)) {
                return name;
            }
        }
        if (this.registryError === undefined && (await this.pull(publicName))) {
            return publicName;
        }
        this.log(`Building ${built} from packages of ${await readDistribution()}, as ${publicName} can't be pulled ...`);
        await buildDistributionImage(built, fallback);
        return built;
    }

    private async pull(name: string): Promise<boolean> {
        this.log(`Pulling ${name} ...`);
        try {
            await run('docker', ['pull', '--quiet', name], { timeoutMs: pullTimeoutMs });
            return true;
        } catch (error) {
            if (error instanceof CommandError) {
                this.registryError = error;
                return false;
            }
            throw error;
        }
    }
}

export function hasImage(name: string): Promise<boolean> {
    return succeeds('docker', ['image', 'inspect', name], { timeoutMs: inspectTimeoutMs });
}

async function nameOfBuilt(role: BaseRole, { packages }: DistributionImage): Promise<string> {
    const hash = createHash('sha256')
        .update(JSON.stringify([recipe, role, packages, process.version, process.arch]))
        .digest('hex');
    return `session-conformance/base-${role}:${await readDistribution()}-${hash.slice(0, 12)}`;
}
