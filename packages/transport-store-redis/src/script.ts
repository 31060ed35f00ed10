import { createHash } from 'node:crypto';

/** A Lua script that Redis runs as one atomic step. */
export class Script {
    readonly source: string;
    /** By this, Redis knows a script that it has run before. */
    readonly sha: string;

    constructor(source: string) {
        this.source = source;
        this.sha = createHash('sha1').update(source).digest('hex');
    }
}
