import { CommandError, run } from './command.ts';

/** Why containers can't be used here, or `undefined` if they can. */
export async function whyNoDocker(): Promise<string | undefined> {
    try {
        await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 15_000 });
        return undefined;
    } catch (error) {
        if (error instanceof CommandError) {
            return error.message;
        }
        throw error;
    }
}
