import { printable } from '../errors.js';
import type { InspectedPart, Inspection } from '../inspect/inspect.js';
import { PART_WORDS } from '../kinds.js';
import { sequenceText } from './comparison-text.js';
import { base64, dataText, escapeHtml, type PageParts, pageBeginning, pageEnd } from './page.js';

/** The largest number of values on a page: each takes eleven bytes, and is drawn. */
export const MOST_PAGE_VALUES = 4_000_000;

/**
 * A self-contained page with heat maps (step × unit) of the selected values, and of their differences from the expected
 * ones.
 * @returns the text in pieces
 */
export function* pagePieces(label: string, inspection: Inspection, page: PageParts): Iterable<string> {
  const { subject, selected, parts } = inspection;
  const title = escapeHtml(printable(label));
  const facts = [...subject.words, sequenceText(subject), `computed in ${subject.compute}`].join(' · ');
  yield pageBeginning(title, `<h1>${title}</h1>\n<div>${escapeHtml(facts)}</div>`, page);
  yield '{"sections":[';
  let last = '';
  for (const batch of selected.batches) {
    for (const part of parts) {
      const section = `layer ${part.layer} ${part.direction}${subject.batch > 1 ? `, batch ${batch}` : ''}`;
      if (section !== last) yield `${last && ']},'}\n{"title":"${section}","parts":[`;
      yield `${section === last ? ',' : ''}\n${dataText(partData(part, batch, inspection))}`;
      last = section;
    }
  }
  yield ']}\n]}';
  yield* pageEnd(page);
}

function partData(part: InspectedPart, batch: number, { subject, selected, lengths }: Inspection): object {
  const { name, units, size, values, expected, signed } = part;
  const { steps } = selected;
  const row = (step: number) => step * subject.batch + batch;
  const known = (step: number) => expected?.known[row(step)] === 1;
  // Beyond a row's length there are no gates, and a state only where the case expects it to be zero.
  const there = (step: number) => step < (lengths?.[batch] ?? subject.steps) || known(step);
  const matrix = (source: ArrayLike<number>, has: (step: number) => boolean) =>
    base64OfFloats(
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

/** Little-endian bytes as base64. */
function base64OfFloats(values: Float64Array): string {
  return base64(new Uint8Array(values.buffer));
}
