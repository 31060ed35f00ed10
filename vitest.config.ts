import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const root = import.meta.dirname;

/** One project per package with tests; a package that needs more than these settings brings a vitest.config.ts. */
function projectOf(folder: string): TestProjectConfiguration {
    const own = path.join(root, folder, 'vitest.config.ts');
    if (existsSync(own)) {
        return own;
    }
    return {
        extends: true,
        root: path.join(root, folder),
        test: { name: path.basename(folder), include: ['{src,test}/**/*.test.ts'] }
    };
}

const packages = readdirSync(path.join(root, 'packages')).map(name => `packages/${name}`);
const folders = [...packages, 'conformance', 'tests', 'demo', 'release', 'bench', 'upstream'].filter(folder =>
    existsSync(path.join(root, folder, 'package.json'))
);

/** Where to leave the results for a machine to read, besides the report for people. */
const jsonReport = process.env.VITEST_JSON_REPORT;

export default defineConfig({
    test: {
        projects: folders.map(projectOf),
        passWithNoTests: true,
        testTimeout: 20_000,
        hookTimeout: 60_000,
        // Many tests start processes of their own, so few files at a time keep a small machine responsive.
        maxWorkers: 2,
        reporters: jsonReport === undefined ? ['default'] : ['default', ['json', { outputFile: jsonReport }]],
        server: {
            deps: {
                // Built packages are loaded by Node itself, as their users load them. Otherwise the test runner would
                // have its own copies of their modules beside Node's, and classes would not be identical.
                external: [/\/packages\/[^/]+\/dist\//]
            }
        }
    }
});
