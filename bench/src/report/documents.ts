import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunResults } from '../results.ts';
import { plotOf } from './plot.ts';
import { markdownOf } from './tables.ts';

const docs = path.join(import.meta.dirname, '..', '..', '..', 'docs');

/** Scenarios that are drawn. */
const drawn = ['json', 'sse', 'hop', 'churn', 'fan-out'];

/** Replaces what stands between the markers of a name in a Markdown text. @throws Error if they are missing. */
export function replaceSection(text: string, name: string, content: string): string {
    const [begin, end] = [`<!-- ${name}: generated -->`, `<!-- ${name}: end -->`];
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) {
        throw new Error(`The markers "${begin}" and "${end}" are missing`);
    }
    return `${text.slice(0, from)}${begin}\n\n${content}\n\n${text.slice(to)}`;
}

/** Puts a run into docs/performance.md, its plots and raw numbers beside it. */
export async function writeDocuments(run: RunResults): Promise<void> {
    const folder = path.join(docs, 'performance');
    await mkdir(folder, { recursive: true });
    const plots: string[] = [];
    for (const result of run.results.filter(({ scenario }) => drawn.includes(scenario))) {
        await writeFile(path.join(folder, `${result.scenario}.svg`), plotOf(result));
        plots.push(`![${result.title}](performance/${result.scenario}.svg)`);
    }
    await writeFile(path.join(folder, 'results.json'), `${JSON.stringify(run, undefined, 4)}\n`);
    const page = path.join(docs, 'performance.md');
    const content = [markdownOf(run), '### Plots', ...plots].join('\n\n');
    await writeFile(page, replaceSection(await readFile(page, 'utf8'), 'bench', content));
}
