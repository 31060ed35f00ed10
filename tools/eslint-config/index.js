/**
 * ESLint rules of the workspace.
 *
 * They live in a package of their own because typescript-eslint works with the compiler API of TypeScript before 7,
 * which this package therefore depends on. It is used for nothing but linting; builds and type checks run TypeScript 7.
 */
import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import nodePlugin from 'eslint-plugin-n';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** @param {string} workspaceRoot */
export function workspaceRules(workspaceRoot) {
    return defineConfig(
        // Files for the SDK are checked there, by its rules.
        { ignores: ['**/dist/', '**/.build/', '**/coverage/', 'upstream/*/files/'] },
        js.configs.recommended,
        {
            linterOptions: { reportUnusedDisableDirectives: 'error' },
            rules: { eqeqeq: 'error' }
        },
        {
            files: ['**/*.{js,mjs,cjs}'],
            languageOptions: { globals: { ...nodeGlobals } }
        },
        {
            files: ['**/*.ts'],
            extends: [tseslint.configs.strict],
            languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: workspaceRoot } },
            rules: {
                '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
                '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
                // Code that serves many sessions in one process must not lose an error of any of them.
                '@typescript-eslint/no-floating-promises': 'error',
                '@typescript-eslint/no-misused-promises': 'error',
                '@typescript-eslint/await-thenable': 'error',
                '@typescript-eslint/only-throw-error': 'error',
                '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
                '@typescript-eslint/no-unsafe-argument': 'error',
                '@typescript-eslint/no-unsafe-assignment': 'error',
                '@typescript-eslint/no-unsafe-call': 'error',
                '@typescript-eslint/no-unsafe-member-access': 'error',
                '@typescript-eslint/no-unsafe-return': 'error'
            }
        },
        {
            // What is published runs on every Node >= 18, while the type definitions describe the Node of development.
            files: ['packages/*/src/**/*.ts'],
            ignores: ['**/*.test.ts'],
            plugins: { n: nodePlugin },
            rules: {
                'n/no-unsupported-features/node-builtins': [
                    'error',
                    // Experimental in Node 18, but present without a flag.
                    { version: '>=18.0.0', ignores: ['fetch', 'FormData', 'Headers', 'ReadableStream', 'Request', 'Response'] }
                ],
                'n/no-unsupported-features/es-builtins': ['error', { version: '>=18.0.0' }],
                'n/prefer-node-protocol': 'error'
            }
        },
        {
            files: ['**/*.test.ts', '**/test/**/*.ts'],
            rules: { '@typescript-eslint/no-non-null-assertion': 'off' }
        },
        prettier
    );
}

/** What plain JavaScript of this workspace uses of Node's globals. */
const nodeGlobals = {
    AbortController: 'readonly',
    AbortSignal: 'readonly',
    URL: 'readonly',
    console: 'readonly',
    fetch: 'readonly',
    process: 'readonly'
};
