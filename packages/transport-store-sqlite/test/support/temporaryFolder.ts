import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface TemporaryFolder {
    /** @returns the path of a file or folder in it. */
    path(name: string): string;
    /** Makes a folder in it. */
    make(name: string): string;
}

/** @param atEnd told what removes the folder, for instance `afterAll`. */
export function temporaryFolder(atEnd: (remove: () => void) => void): TemporaryFolder {
    const folder = mkdtempSync(path.join(tmpdir(), 'transport-store-sqlite-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const pathOf = (name: string): string => path.join(folder, name);
    return {
        path: pathOf,
        make: name => {
            mkdirSync(pathOf(name));
            return pathOf(name);
        }
    };
}
