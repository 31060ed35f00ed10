#!/usr/bin/env node
import { checkCommand } from './cli/checkCommand.ts';
import { exitCodeOfError, exitCodes, messageOfError } from './cli/exitCodes.ts';
import { listCommand } from './cli/listCommand.ts';
import { runCommand } from './cli/runCommand.ts';
import { UsageError } from './errors.ts';

const usage = `Judges from outside whether an MCP server keeps its sessions when it runs as several nodes.

Usage:
  mcp-session-conformance run --target NAME|FILE [--target ...] [--only GLOBS] [--driver process|container|url]
                              [--seed NUMBER] [--scale NUMBER] [--report FOLDER]
  mcp-session-conformance list [--only GLOBS] [--json]
  mcp-session-conformance check HISTORY

  --target   a target that the suite brings along (see list), or the path of a JSON file that describes one
  --only     requirements to check, for example 'routing.*,session.id-issued'; default: all
  --driver   how to run the nodes; default: as processes if the target names a command, else in containers
  --seed     repeats the random workload of an earlier run
  --scale    does so many times as much in random workloads, which take as many times as long; default: 1
  --report   folder for reports, and for histories of workloads, which check judges again

Exit codes: 0 conforms, or fails only where its baseline says, 1 fails elsewhere or its baseline is stale, 2 inconclusive, 64 wrong usage, 70 the suite itself failed.`;

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
    run: runCommand,
    list: listCommand,
    check: checkCommand
};

async function main([name, ...args]: readonly string[]): Promise<number> {
    if (name === 'help' || name === '--help' || name === '-h' || args.includes('--help')) {
        console.log(usage);
        return exitCodes.conforms;
    }
    const command = name === undefined ? undefined : commands[name];
    if (command === undefined) {
        throw new UsageError(`${name === undefined ? 'A command is missing' : `There is no command ${name}`}.\n\n${usage}`);
    }
    return command(args);
}

/** Told to end, the process must end itself, or the nodes that it has started would outlive it. */
for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129]
] as const) {
    process.once(signal, () => process.exit(code));
}

/** Nobody reads on (`list | head`): an end as by the signal that says so, which Node ignores. */
for (const stream of [process.stdout, process.stderr]) {
    stream.once('error', () => process.exit(141));
}

/** A fault of the suite must not pass for one of the server, which is what Node's own exit code says. */
process.once('uncaughtException', error => {
    console.error(messageOfError(error));
    process.exit(exitCodes.harness);
});

try {
    process.exitCode = await main(process.argv.slice(2));
} catch (error) {
    console.error(messageOfError(error));
    process.exitCode = exitCodeOfError(error);
}
