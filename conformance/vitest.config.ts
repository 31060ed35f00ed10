import { defineProject } from 'vitest/config';

export default defineProject({
    test: {
        name: 'conformance',
        include: ['test/**/*.test.ts'],
        globalSetup: ['test/support/globalSetup.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
        server: {
            deps: {
                // As in the workspace's own configuration: built packages are loaded by Node itself.
                external: [/\/packages\/[^/]+\/dist\//]
            }
        }
    }
});
