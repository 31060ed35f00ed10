import { CausedError } from './causedError.js';

/** Whatever was thrown, as an error: code of others may throw anything, even what throws when it is looked at. Never throws itself. */
export function asError(thrown: unknown): Error {
    try {
        return thrown instanceof Error ? thrown : new CausedError(String(thrown), { cause: thrown });
    } catch {
        return new Error('Something was thrown that is no error and can not be shown as text');
    }
}
