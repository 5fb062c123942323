import { type Terminal, visibleLength } from './style.js';

/**
 * Text in lines that the terminal has room for: broken between segments, or between the words of one that is longer
 * than a line by itself. The lines after the first are indented.
 */
export function flow(
  segments: readonly string[],
  separator: string,
  { columns }: Terminal,
  indent: number,
): string {
  const lines = [/^ */.exec(segments[0])![0]];
  const add = (text: string, between: string, reserve: number) => {
    const last = lines[lines.length - 1];
    const empty = last.trim() === '';
    const longer = empty ? last + text : last + between + text;
    if (empty || visibleLength(longer) + reserve <= columns) lines[lines.length - 1] = longer;
    else {
      lines[lines.length - 1] = last + between.trimEnd();
      lines.push(' '.repeat(indent) + text);
    }
  };
  for (const [i, segment] of segments.entries()) {
    const text = i === 0 ? segment.trimStart() : segment;
    // What follows may leave its separator at the end of this line.
    const reserve = i < segments.length - 1 ? separator.trimEnd().length : 0;
    if (indent + visibleLength(text) + reserve <= columns) add(text, separator, reserve);
    else for (const [j, word] of text.split(' ').entries()) add(word, j === 0 ? separator : ' ', reserve);
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}
