/** Most messages of a batch. */
export const MAX_BATCH_SIZE = 100;

/** Largest body of a POST unless another bound is set: 4 MiB. */
const DEFAULT_MAX_REQUEST_BODY_SIZE = 4 * 1024 * 1024;

/**
 * @param size in bytes. Default: 4 MiB.
 * @throws RangeError if it is not a positive number.
 */
export function resolveMaxRequestBodySize(size?: number): number {
    if (size === undefined) {
        return DEFAULT_MAX_REQUEST_BODY_SIZE;
    }
    if (!(size > 0)) {
        throw new RangeError(`maxRequestBodySize must be a positive number, got ${size}`);
    }
    return size;
}

/** What a client is told whose body is larger than `size` bytes. */
export function requestBodyTooLargeMessage(size: number): string {
    return `Payload Too Large: Request body must not exceed ${size} bytes`;
}
