import type { Requirement } from '../requirement.ts';

/** A section of the MCP specification, as the path and anchor of its page. */
export function spec(section: string, revision = '2025-11-25'): Requirement['source'] {
    return { revision, section };
}

/** A rule of `docs/rules.md`. */
export function rule(name: `R${number}`): Requirement['source'] {
    return { rule: name };
}

type Optional = 'faults' | 'needs' | 'nodes' | 'level';

/** Fills in what most requirements have in common: a MUST that one node can show, with no faults and no optional features. */
export function requirement(data: Omit<Requirement, Optional> & Partial<Pick<Requirement, Optional>>): Requirement {
    return { level: 'MUST', faults: [], needs: [], nodes: 1, ...data };
}
