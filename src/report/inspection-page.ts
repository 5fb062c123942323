import { printable } from '../errors.js';
import type { InspectedPart, Inspection } from '../inspect/inspect.js';
import { PART_WORDS } from '../kinds.js';
import { sequenceText } from './comparison-text.js';

/** The largest number of values on a page: each takes eleven bytes, and is drawn. */
export const MOST_PAGE_VALUES = 4_000_000;

/** The parts of a page that are the same for all inspections. */
export interface PageParts {
  /** The plotting library, and the script that draws with it. */
  readonly scripts: readonly string[];
  readonly style: string;
}

/** The page loads nothing, whatever the text of a file contains. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";

/**
 * A self-contained page with heat maps (step × unit) of the selected values, and of their differences from the expected
 * ones.
 * @returns the text in pieces
 */
export function* pagePieces(
  label: string,
  inspection: Inspection,
  { scripts, style }: PageParts,
): Iterable<string> {
  const { subject, selected, parts } = inspection;
  const title = escapeHtml(printable(label));
  const facts = [...subject.words, sequenceText(subject), `computed in ${subject.compute}`].join(' · ');
  yield `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title} · cellcheck</title>
<style>
${style}</style>
<body>
<h1>${title}</h1>
<div>${escapeHtml(facts)}</div>
<script type="application/json" id="data">
{"sections":[`;
  let last = '';
  for (const batch of selected.batches) {
    for (const part of parts) {
      const section = `layer ${part.layer} ${part.direction}${subject.batch > 1 ? `, batch ${batch}` : ''}`;
      if (section !== last) yield `${last && ']},'}\n{"title":"${section}","parts":[`;
      yield `${section === last ? ',' : ''}\n${JSON.stringify(partData(part, batch, inspection))}`;
      last = section;
    }
  }
  yield ']}\n]}\n</script>\n';
  for (const script of scripts) yield `<script>\n${script}\n</script>\n`;
  yield '</body>\n</html>\n';
}

function partData(part: InspectedPart, batch: number, { subject, selected, lengths }: Inspection): object {
  const { name, units, size, values, expected, signed } = part;
  const { steps } = selected;
  const row = (step: number) => step * subject.batch + batch;
  const known = (step: number) => expected?.known[row(step)] === 1;
  // Beyond a row's length there are no gates, and a state only where the case expects it to be zero.
  const there = (step: number) => step < (lengths?.[batch] ?? subject.steps) || known(step);
  const matrix = (source: ArrayLike<number>, has: (step: number) => boolean) =>
    base64(
      Float64Array.from({ length: units.length * steps.length }, (_, i) => {
        const step = steps[i % steps.length];
        return has(step) ? source[row(step) * size + units[Math.floor(i / steps.length)]] : Number.NaN;
      }),
    );
  return {
    name,
    words: PART_WORDS[name],
    signed,
    steps,
    units,
    values: matrix(values, there),
    there: steps.map(there),
    ...(expected &&
      steps.some(known) && { expected: matrix(expected.values, known), known: steps.map(known) }),
  };
}

// A multiple of three bytes, so that the pieces can be joined.
const CHUNK = 3 * 2 ** 12;

/** Little-endian bytes as base64. */
function base64(values: Float64Array): string {
  const bytes = new Uint8Array(values.buffer);
  let text = '';
  for (let from = 0; from < bytes.length; from += CHUNK) {
    text += btoa(String.fromCharCode(...bytes.subarray(from, from + CHUNK)));
  }
  return text;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
