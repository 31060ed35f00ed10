/**
 * Judges all shipped targets, and writes what came of it into README.md and docs/matrix.md.
 *
 * `--from FOLDER` takes the results that `mcp-session-conformance run --report FOLDER` has left of each target, instead of judging.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { checks } from './src/checks/checks.ts';
import { describeResult, describeRun } from './src/cli/describe.ts';
import { createDriver } from './src/drivers/createDriver.ts';
import { manifest } from './src/manifest/manifest.ts';
import { readMarkedSection, replaceMarkedSection } from './src/matrix/markedSection.ts';
import { areaTable, type Column, requirementTable } from './src/matrix/matrix.ts';
import { loadBaseline } from './src/run/baseline.ts';
import { runTarget } from './src/run/runTarget.ts';
import { listTargets, loadTarget } from './src/targets/target.ts';

const seed = 1;
const root = path.resolve(import.meta.dirname, '..');
const readme = path.join(root, 'README.md');
const details = path.join(root, 'docs/matrix.md');

const outcome = z.enum(['pass', 'fail', 'inconclusive', 'not-run', 'not-applicable']);
const report = z.looseObject({
    startedAt: z.string(),
    seed: z.literal(seed),
    driver: z.literal('process'),
    results: z.array(z.looseObject({ id: z.string(), outcome }))
});
type Report = z.infer<typeof report>;

async function judge(name: string): Promise<Report> {
    const target = await loadTarget(name);
    const baseline = await loadBaseline(target);
    const driver = await createDriver(target, 'process', line => console.error(line));
    const result = await runTarget({
        target,
        driver,
        baseline,
        requirements: manifest,
        checks,
        seed,
        onresult: each => console.log(describeResult(each, baseline.has(each.id)))
    });
    console.log(describeRun(result));
    return { ...result, seed, driver: 'process', results: result.results.map(({ id, outcome }) => ({ id, outcome })) };
}

async function describeTargets(names: readonly string[]): Promise<string> {
    const targets = await Promise.all(names.map(loadTarget));
    return targets.map(({ name, description }) => `- \`${name}\`: ${description}`).join('\n');
}

const { from } = parseArgs({ options: { from: { type: 'string' } } }).values;
const names = await listTargets();
const columns: Column[] = [];
let date = '';
for (const target of names) {
    const file = from === undefined ? undefined : path.join(from, `${target}.json`);
    const { startedAt, results } = file === undefined ? await judge(target) : report.parse(JSON.parse(await readFile(file, 'utf8')));
    columns.push({ target, outcomes: new Map(results.map(result => [result.id, result.outcome])) });
    date = [date, startedAt.slice(0, 10)].toSorted().at(-1) ?? '';
}

const command = 'npm run conformance:matrix';
const how =
    from === undefined
        ? `\`${command}\``
        : `\`mcp-session-conformance run --driver process --seed ${seed} --report FOLDER\` of each target and \`${command} -- --from FOLDER\``;
const made = `Made on ${date} by ${how}.`;
const legend = '✓ met, ✗ not met, – not judged, as it takes more nodes, another store, or what the server does not offer';
const summary = `${made} Requirements by area: ${legend}. [docs/matrix.md](docs/matrix.md) has them one by one.

${areaTable(manifest, columns)}`;
await writeFile(readme, replaceMarkedSection(await readFile(readme, 'utf8'), summary));

const page = `# Who meets which requirement

${made} \`mcp-session-conformance list\` tells what each requirement says and where it comes from; the baselines of the targets, in \`conformance/baselines\`, tell why one is not met.

${await describeTargets(names)}

✓ meets it; ✗ does not; ? could not be found out; – was not run, as it takes more nodes or a store that can fail; · does not apply, as the server does not offer what it is about.

${requirementTable(manifest, columns)}
`;
await writeFile(details, page);
console.log(readMarkedSection(await readFile(readme, 'utf8')));
