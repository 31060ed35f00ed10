#!/usr/bin/env node
/** Applies a proposed change to a checkout of modelcontextprotocol/typescript-sdk. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { Checkout, installOf } from './lib/checkout.mjs';
import { ApplyError } from './lib/errors.mjs';

const folder = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const changes = readdirSync(folder).filter(name => existsSync(path.join(folder, name, 'change.mjs')));

const usage = `Usage: node upstream/apply.mjs CHANGE[,CHANGE...] CHECKOUT

  CHANGE    ${changes.join(', ')}, or its number
  CHECKOUT  folder of a checkout of modelcontextprotocol/typescript-sdk, branch v1.x or main, with its dependencies installed

Nothing is written unless all of a change can be applied.`;

const checks = {
    'v1.x': ['npm run lint:fix', 'npm run check', 'npm test', 'npm run build'],
    main: [
        'pnpm --filter @modelcontextprotocol/server run lint:fix',
        'pnpm --filter @modelcontextprotocol/server run build',
        'pnpm -r typecheck',
        'pnpm -r lint',
        'pnpm -r --no-bail test'
    ]
};

async function main([wanted, checkoutFolder, ...more]) {
    if (wanted === undefined || checkoutFolder === undefined || more.length > 0) {
        throw new ApplyError(usage);
    }
    for (const name of wanted.split(',')) {
        const change = changes.find(known => known === name || known.startsWith(`${name}-`));
        if (change === undefined) {
            throw new ApplyError(`There is no change ${name}.\n\n${usage}`);
        }
        const checkout = new Checkout(checkoutFolder);
        const { apply } = await import(`./${change}/change.mjs`);
        apply(checkout);
        const files = checkout.save();
        console.log(`${change} is applied to ${checkout.branch}:\n${files.map(file => `  ${file}`).join('\n')}`);
    }
    const { branch } = new Checkout(checkoutFolder);
    console.log(
        `\nIn ${path.resolve(checkoutFolder)} (dependencies: ${installOf(branch)}), now run:\n${checks[branch].map(command => `  ${command}`).join('\n')}`
    );
}

try {
    await main(process.argv.slice(2));
} catch (error) {
    if (!(error instanceof ApplyError)) {
        throw error;
    }
    console.error(error.message);
    process.exitCode = 1;
}
