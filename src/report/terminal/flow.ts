import { type Terminal, visibleLength } from './style.js';

/**
 * Text wrapped to the terminal's width: broken between segments, or between the words of a segment that is longer than
 * a line. The lines after the first are indented.
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
    const isEmpty = last.trim() === '';
    const longer = isEmpty ? last + text : last + between + text;
    if (isEmpty || visibleLength(longer) + reserve <= columns) lines[lines.length - 1] = longer;
    else {
      lines[lines.length - 1] = last + between.trimEnd();
      lines.push(' '.repeat(indent) + text);
    }
  };
  for (const [i, segment] of segments.entries()) {
    const text = i === 0 ? segment.trimStart() : segment;
    // If the next segment starts a new line, its separator stays at the end of this one.
    const reserve = i < segments.length - 1 ? separator.trimEnd().length : 0;
    if (indent + visibleLength(text) + reserve <= columns) add(text, separator, reserve);
    else for (const [j, word] of text.split(' ').entries()) add(word, j === 0 ? separator : ' ', reserve);
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}
