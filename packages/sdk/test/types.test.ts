import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Consumer, type Diagnostic } from './support/consumer.js';
import { type DeclaredNames, readDeclarations } from './support/declarations.js';
import { forkName, forkRoot, isReplaced, readManifest, upstreamName, upstreamRoot } from './support/packages.js';

interface Subpath {
    /** As in an import after the package's name: `/types.js`. */
    suffix: string;
    /** The module behind it, relative to a build folder: `types.js`. */
    module: string;
    names: DeclaredNames;
}

function toSubpath(suffix: string, module: string): Subpath {
    return { suffix, module, names: readDeclarations(path.join(upstreamRoot, 'dist/esm', module.replace(/\.js$/, '.d.ts'))) };
}

const upstreamModules = readdirSync(path.join(upstreamRoot, 'dist/esm'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.js'))
    .map(name => name.split(path.sep).join('/'))
    .sort();

/** Every module with and without its extension, both of which upstream's types allow, and every name of the export map. */
const subpaths = [
    ...upstreamModules.flatMap(module => [`/${module}`, `/${module.replace(/\.js$/, '')}`].map(suffix => toSubpath(suffix, module))),
    ...Object.entries(readManifest(upstreamRoot).exports)
        // Upstream maps `.` to a file that it does not ship.
        .filter(([key]) => key !== '.' && !key.includes('*'))
        .map(([key, { import: file = '' }]) => toSubpath(key.slice(1), file.replace('./dist/esm/', '')))
];

/** A file that imports the types of every subpath, and uses as a value whatever upstream exports as one. */
function importEverything(packageName: string): string {
    return subpaths
        .map(({ suffix, names }, index) => {
            const specifier = `'${packageName}${suffix}'`;
            const imported = names.all.map(name => `${name} as ${name}_${index}`);
            const values = names.values.map(name => `typeof module_${index}['${name}']`);
            return [
                // One statement a line: the line tells which subpath a diagnostic is about.
                `import type { ${imported.join(', ')} } from ${specifier};`,
                `declare const module_${index}: typeof import(${specifier}); export type Values_${index} = [${values.join(', ')}];`
            ].join('\n');
        })
        .join('\n');
}

/**
 * A file that uses what the fork replaces in the place of upstream's and the other way round, as far as it is public:
 * classes with private members are never assignable to each other as they are.
 */
function exchangeReplaced(): string {
    const checks = subpaths
        .filter(({ module, suffix }) => isReplaced(module) && suffix.endsWith('.js'))
        .flatMap(({ suffix, names }) =>
            names.all.map(name => {
                const [fork, upstream] = [forkName, upstreamName].map(
                    packageName => `${names.values.includes(name) ? 'typeof ' : ''}import('${packageName}${suffix}').${name}`
                );
                if (names.classes.includes(name)) {
                    return [
                        `assignable<Public<InstanceType<${fork}>>, Public<InstanceType<${upstream}>>>();`,
                        `assignable<ConstructorParameters<${upstream}>, ConstructorParameters<${fork}>>();`
                    ].join(' ');
                }
                if (names.values.includes(name)) {
                    return `assignable<${fork}, ${upstream}>();`;
                }
                if (name.endsWith('Options')) {
                    // Consumers make them and never get them, and what the fork calls back may be told more than by upstream.
                    return `assignable<${upstream}, ${fork}>();`;
                }
                return names.plainTypes.includes(name)
                    ? `assignable<${fork}, ${upstream}>(); assignable<${upstream}, ${fork}>();`
                    : `// ${name} has type parameters`;
            })
        );
    return [
        'type Public<T> = { [K in keyof T]: T[K] };',
        'declare function assignable<From extends To, To>(): void;',
        'export {};',
        ...checks
    ].join('\n');
}

function subpathOf({ line }: Diagnostic): Subpath | undefined {
    return subpaths[Math.floor((line - 1) / 2)];
}

/** A diagnostic without what necessarily differs between the two packages. */
function comparable(diagnostic: Diagnostic) {
    const { line, code, message } = diagnostic;
    return { line, subpath: subpathOf(diagnostic)?.suffix, code, message: message.replaceAll(upstreamName, forkName) };
}

const consumers = [
    { kind: 'ES module', extension: 'mts', options: { module: 'node16' } },
    { kind: 'ES module', extension: 'mts', options: { module: 'nodenext' } },
    { kind: 'ES module', extension: 'ts', options: { module: 'esnext', moduleResolution: 'bundler' } },
    { kind: 'CommonJS', extension: 'cts', options: { module: 'node16' } },
    { kind: 'CommonJS', extension: 'cts', options: { module: 'nodenext' } }
];

describe.each(consumers)('a consumer written as $kind with $options', { timeout: 90_000 }, ({ kind, extension, options }) => {
    const consumer = new Consumer();
    afterAll(() => {
        consumer[Symbol.dispose]();
    });

    test('finds all types and values of upstream', async () => {
        const [fork, upstream] = [`fork.${extension}`, `upstream.${extension}`] as const;
        consumer.write(fork, importEverything(forkName));
        consumer.write(upstream, importEverything(upstreamName));
        const diagnostics = await consumer.compile([fork, upstream], { skipLibCheck: true, ...options });

        const [ofFork, ofUpstream] = [fork, upstream].map(name => diagnostics.filter(({ file }) => file === name).map(comparable));
        expect(ofFork).toEqual(ofUpstream);
        // From CommonJS, upstream's own types can in some settings only be had by the names with an extension.
        const inexcusable = diagnostics.filter(entry => kind !== 'CommonJS' || subpathOf(entry)?.suffix.endsWith('.js') !== false);
        expect(inexcusable).toEqual([]);
    });

    test('can use the replaced modules as it used upstream’s', async () => {
        const file = `exchange.${extension}`;
        consumer.write(file, exchangeReplaced());
        expect(await consumer.compile([file], { skipLibCheck: true, ...options })).toEqual([]);
    });

    test('finds no fault with the declarations that we ship', async () => {
        const file = `declarations.${extension}`;
        const built = kind === 'CommonJS' ? 'cjs' : 'esm';
        const own = readdirSync(path.join(forkRoot, 'src'), { recursive: true, encoding: 'utf8' })
            .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
            .map(name => name.split(path.sep).join('/').replace(/\.ts$/, '.js'));
        consumer.write(file, [...own.map(name => `import '${forkName}/${name}';`), 'export {};'].join('\n'));
        const diagnostics = await consumer.compile([file], { skipLibCheck: false, ...options });
        // Upstream's declarations need type packages that it does not depend on; only ours are of interest.
        const ours = diagnostics.filter(entry => path.resolve(consumer.folder, entry.file).startsWith(path.join(forkRoot, 'dist', built)));
        expect(ours).toEqual([]);
        expect(diagnostics.filter(entry => entry.file === file)).toEqual([]);
    });
});
