import type { Place } from '../compare/element.js';
import type { RowComparison, TensorComparison } from '../compare/tensor.js';
import { isSequence } from '../kinds.js';
import type { Comparison, Subject } from '../verdict/comparison.js';
import { judgedByRounding, sigmasHead } from './rounding-text.js';
import { fold } from './terminal/fold.js';
import {
  digitsApart,
  formatCount,
  formatDifference,
  formatSigmas,
  formatValue,
  largest,
} from './terminal/numbers.js';
import { styleFor, type Terminal } from './terminal/style.js';
import { columnWidths, GAP, INDENT, type Line, renderTable, sum } from './terminal/table.js';

/** A row of the table, or a line across it. */
type Entry =
  | { readonly label: string; readonly row: RowComparison }
  | { readonly label: string; readonly text: string };

const WIDE_TERMINAL = 100;
const VALUE_HEAD = ['expected', 'actual'];
/** Where there is less room than their head takes, values would say nothing, and their columns are left out. */
const NARROWEST_VALUE = 'expected'.length;
const USUAL_DIGITS = 8;
const FEWEST_DIGITS = 3;
/** Numbers, but for those of differences, whose exponents begin anywhere. */
const RIGHT_ALIGNED = new Set(['step', 'differ', 'σ', 'of bound', ...VALUE_HEAD]);

/**
 * The table of one comparison: a row for every step of output, then one for every layer and direction of h_n and
 * c_n. No line is longer than the terminal is wide.
 */
export function stepTable(comparison: Comparison, terminal: Terminal, allSteps: boolean): string {
  const sequences = comparison.tensors.filter(({ name }) => isSequence(name)).length;
  const entries = comparison.tensors.flatMap((tensor): Entry[] => {
    if (!isSequence(tensor.name)) return stateEntries(tensor, comparison.subject);
    const steps = stepEntries(tensor, comparison, allSteps);
    return sequences > 1 ? [{ label: tensor.name, text: '' }, ...steps] : steps;
  });
  const rows = entries.flatMap((entry) => ('row' in entry ? [entry.row] : []));
  const failed = comparison.verdict === 'differs' ? 'DIFFERS' : 'unclear';
  const status = (row: RowComparison) => (row.mismatches === 0 ? 'ok' : failed);
  const relative = terminal.columns > WIDE_TERMINAL;
  const [judged] = judgedByRounding(comparison.tensors);

  const head = [
    'step',
    'differ',
    ...(judged ? [sigmasHead(judged)] : []),
    'max |Δ|',
    ...(relative ? ['max rel'] : []),
    '[b, unit]',
  ];
  const facts = ({ mismatches, elements, worst, relative: largest, sigmas }: RowComparison) => [
    `${mismatches}/${elements}`,
    ...(judged ? [sigmas === undefined ? '?' : formatSigmas(sigmas)] : []),
    formatDifference(worst.difference),
    ...(relative ? [formatDifference(largest)] : []),
    `[${worst.batch}, ${worst.unit}]`,
  ];
  const rowFacts = rows.map(facts);
  const labels = entries.map(({ label }) => [label]);
  const [labelWidth] = columnWidths([[head[0]], ...labels]);
  const factWidths = [labelWidth, ...columnWidths([head.slice(1), ...rowFacts])];

  const statusWidth = largest(rows.map((row) => status(row).length));
  const gaps = INDENT.length + GAP.length * (factWidths.length + 2);
  const room = Math.floor((terminal.columns - gaps - statusWidth - sum(factWidths)) / 2);
  const withValues = room >= NARROWEST_VALUE;
  const rowValues = withValues ? valueTexts(rows, room) : rows.map(() => []);
  const valueHead = withValues ? VALUE_HEAD : [];

  const style = styleFor(terminal);
  const paint = { ok: style.good, DIFFERS: style.bad, unclear: style.open };
  let next = 0;
  const lines = entries.map((entry): Line => {
    if ('text' in entry) return { label: entry.label, across: entry.text };
    const i = next++;
    const word = status(entry.row);
    return [entry.label, ...rowFacts[i], ...rowValues[i], paint[word](word)];
  });
  const columns = [...head, ...valueHead, ''].map((text) => ({
    head: text,
    align: RIGHT_ALIGNED.has(text) ? ('right' as const) : ('left' as const),
  }));
  return renderTable(columns, lines, style);
}

function valuesOf({ worst }: RowComparison): number[] {
  return [worst.expected, worst.actual];
}

/**
 * Expected and actual of every row, with the digits that tell them apart in every row, or the most that all of them have
 * room for.
 */
function valueTexts(rows: readonly RowComparison[], room: number): string[][] {
  const apart = rows.map(({ worst }) => digitsApart(worst.expected, worst.actual));
  const most = Math.max(USUAL_DIGITS, largest(apart));
  for (let digits = most; digits > FEWEST_DIGITS; digits--) {
    const texts = rows.map((row) =>
      valuesOf(row).map((value) => formatValue(value, digits, Number.POSITIVE_INFINITY)),
    );
    if (texts.every((pair) => pair.every((text) => text.length <= room))) return texts;
  }
  return rows.map((row) => valuesOf(row).map((value) => formatValue(value, FEWEST_DIGITS, room)));
}

function stepEntries(
  { name, rows, worst }: TensorComparison,
  { first, partsAt }: Comparison,
  allSteps: boolean,
): Entry[] {
  const firstMismatch =
    first?.tensor === name ? first.place.step : rows.findIndex(({ mismatches }) => mismatches > 0);
  const matter = [firstMismatch, worst.step, ...(partsAt === undefined ? [] : [partsAt])];
  return fold(rows.length, matter, allSteps).map((line) => {
    if ('row' in line) return { label: String(line.row), row: rows[line.row] };
    return { label: '⋮', text: foldedText(rows.slice(line.from, line.to)) };
  });
}

function foldedText(rows: readonly RowComparison[]): string {
  const failing = rows.filter(({ mismatches }) => mismatches > 0);
  const worst = worstOf(failing.length ? failing : rows);
  const where = `worst ${formatDifference(worst.difference)} at step ${worst.step}`;
  const all = formatCount(rows.length);
  const of = rows[0].sigmas === undefined ? 'tolerance' : 'rounding';
  if (failing.length === 0) return `${all} steps within ${of}, ${where}`;
  return `${failing.length === rows.length ? all : `${formatCount(failing.length)} of ${all}`} steps beyond ${of}, ${where}`;
}

function worstOf(rows: readonly RowComparison[]): Place {
  return rows
    .map(({ worst }) => worst)
    .reduce((a, b) => (b.difference > a.difference || Number.isNaN(b.difference) ? b : a));
}

function stateEntries({ name, rows }: TensorComparison, subject: Subject): Entry[] {
  if (rows.length === 1) return [{ label: name, row: rows[0] }];
  // The word stands once, above: there is no room for it in every row.
  const [word] = /^layer /.exec(stateLabel(rows[0].worst, subject)) ?? [''];
  return [
    { label: word ? `${name}, ${word.trim()}` : name, text: '' },
    ...rows.map((row) => ({ label: stateLabel(row.worst, subject).slice(word.length), row })),
  ];
}

/** `layer 1 reverse`; without the layer or the direction where there is only one. */
export function stateLabel({ layer, direction }: Place, { directions, num_layers }: Subject): string {
  const ofDirection = directions.length > 1 ? [direction] : [];
  const ofLayer = num_layers > 1 || ofDirection.length === 0 ? [`layer ${layer}`] : [];
  return [...ofLayer, ...ofDirection].join(' ');
}
