import { readFileSync } from 'node:fs';
import { ApplyError } from '../lib/errors.mjs';
import { replaceSectionBody } from '../lib/markdown.mjs';

/** Documentation and example of what works on several nodes, in place of what does not. */

const places = {
    'v1.x': {
        needs: ['src/server/sessionHandler.ts', 'src/server/http/restoring.ts'],
        readme: 'src/examples/README.md',
        example: 'src/examples/server/multiNodeStreamableHttp.ts'
    },
    // An example on main is a package of the workspace, which its lockfile has to know; the section says it in fewer words.
    main: {
        needs: ['packages/server/src/server/sessionHandler.ts', 'packages/server/src/server/http/restoring.ts'],
        readme: 'examples/README.md',
        example: undefined
    }
};

/** @param {import('../lib/checkout.mjs').Checkout} checkout */
export function apply(checkout) {
    const { needs, readme, example } = places[checkout.branch];
    for (const file of needs.filter(name => !checkout.has(name))) {
        throw new ApplyError(`${file} is missing: this documents the changes before it, so apply those first`);
    }
    const body = own(`files/persistentStorage.${checkout.branch}.md`);
    checkout.replace(readme, replaceSectionBody(checkout.read(readme), 'Persistent Storage Mode', body, readme));
    if (example !== undefined) {
        checkout.add(example, own('files/multiNodeStreamableHttp.ts'));
    }
}

function own(file) {
    return readFileSync(new URL(file, import.meta.url), 'utf8');
}
