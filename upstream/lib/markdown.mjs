import { ApplyError } from './errors.mjs';

/**
 * A Markdown text in which the body of one section is exchanged for ours.
 * @param {string} text
 * @param {string} heading of the section, without its marks
 * @param {string} body
 * @param {string} name of the file, for messages
 */
export function replaceSectionBody(text, heading, body, name) {
    const lines = text.split('\n');
    const places = lines.flatMap((line, index) => (headingOf(line)?.title.toLowerCase() === heading.toLowerCase() ? [index] : []));
    if (places.length !== 1) {
        throw new ApplyError(
            `${name} has ${places.length} sections "${heading}" where one was expected; the change must be looked at anew`
        );
    }
    const [start] = places;
    const { level } = headingOf(lines[start]);
    let inCode = false;
    let end = lines.findIndex((line, index) => {
        if (index > start && line.startsWith('```')) {
            inCode = !inCode;
        }
        return index > start && !inCode && (headingOf(line)?.level ?? Infinity) <= level;
    });
    end = end < 0 ? lines.length : end;
    const result = [...lines.slice(0, start + 1), '', body.trim(), '', ...lines.slice(end)].join('\n');
    if (result === text) {
        throw new ApplyError(`${name} has this change already`);
    }
    return result;
}

function headingOf(line) {
    const match = /^(#+) (.*)$/.exec(line);
    return match === null ? undefined : { level: match[1].length, title: match[2] };
}
