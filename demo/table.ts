import { styleText } from 'node:util';
import { type Outcome } from './outcome.ts';

/** Widths of the columns, of which all three fit into a terminal of 100. */
const STEP = 37;
const LEFT = 26;

/** Prints the steps, a row at a time. Colours are left out where the output is no terminal, or NO_COLOR is set. */
export class Table {
    private rows = 0;

    head(left: string, right: string): void {
        console.log(styleText('bold', `    ${''.padEnd(STEP)}${left.padEnd(LEFT + 2)}${right}`));
    }

    row(title: string, left: Outcome, right: Outcome): void {
        const number = String(++this.rows).padStart(2);
        console.log(`${number}  ${title.padEnd(STEP)}${cell(left, LEFT)}${cell(right)}`);
    }
}

function cell({ ok, detail }: Outcome, width = 0): string {
    return `${ok ? styleText('green', '✓') : styleText('red', '✗')} ${detail.padEnd(width)}`;
}
