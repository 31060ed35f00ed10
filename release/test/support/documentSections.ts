import { marked, type Tokens } from 'marked';

/** What a section of a document tells its reader to do. */
export interface Section {
    /** Contents of files, by name: code blocks such as ```` ```json title=package.json ````. */
    readonly files: ReadonlyMap<string, string>;
    /** Shell commands: the ```` ```sh ```` blocks. */
    readonly commands: readonly string[];
}

/**
 * Reads the section of a Markdown document that is below two headings.
 * @param chapter text of a heading of level 2
 * @param title text of a heading of level 3 within it
 * @throws Error if there is no such section.
 */
export function readSection(document: string, chapter: string, title: string): Section {
    let headings: string[] = [];
    let found = false;
    const files = new Map<string, string>();
    const commands: string[] = [];
    for (const token of marked.lexer(document)) {
        if (isHeading(token)) {
            headings = [...headings.slice(0, token.depth - 1), token.text];
        }
        if (headings[1] !== chapter || headings[2] !== title) {
            continue;
        }
        found = true;
        if (isCode(token)) {
            const [language, file] = (token.lang ?? '').split(' title=');
            if (file !== undefined) {
                files.set(file, `${token.text}\n`);
            } else if (language === 'sh') {
                commands.push(token.text);
            } else {
                throw new Error(`Nobody can tell what to do with this block of "${chapter}", "${title}":\n${token.raw}`);
            }
        }
    }
    if (!found) {
        throw new Error(`The document has no section "${title}" in "${chapter}".`);
    }
    return { files, commands };
}

function isHeading(token: { type: string }): token is Tokens.Heading {
    return token.type === 'heading';
}

function isCode(token: { type: string }): token is Tokens.Code {
    return token.type === 'code';
}
