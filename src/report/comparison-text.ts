import type { Place } from '../compare/element.js';
import type { Summary, Verdict } from '../compare/summary.js';
import { printable } from '../errors.js';
import { isSequence, type TensorName } from '../kinds.js';
import type { Subject } from '../verdict/comparison.js';
import type { ReportedComparison, ReportedError, ReportedTensor } from './reported.js';
import type { Reporter, ReporterOptions } from './reporter.js';
import {
  farthest,
  isNamed,
  judgedByRounding,
  limits,
  proven,
  restsOn,
  roundingNotes,
} from './rounding-text.js';
import { stateLabel, stepTable } from './step-table.js';
import { flow } from './terminal/flow.js';
import { formatCount, formatDifference, largest } from './terminal/numbers.js';
import { type Style, styleFor } from './terminal/style.js';
import { sum } from './terminal/table.js';
import { isDefault, toleranceText } from './tolerance-text.js';

/**
 * A text for people: a single case with its table. Several cases have a line each, followed by the table of those
 * without parity or the error of those that could not be compared, and a total at the end.
 */
export function comparisonText(options: ReporterOptions): Reporter<'verify'> {
  const { terminal, quiet } = options;
  const style = styleFor(terminal);
  let single = false;
  let width = 0;
  return {
    begin(labels) {
      single = labels.length === 1;
      width = largest(labels.map((label) => printable(label).length));
      return single ? '' : '\n';
    },
    result(result) {
      if (result.error) return single && options.tellsError ? '' : `${errorLine(result, width, style)}\n`;
      const { comparison } = result;
      if (!single || quiet) {
        const line = `${caseLine(result.label, comparison, width, style, options)}\n`;
        const withTable = comparison.verdict !== 'parity' && !quiet;
        return withTable ? `${line}\n${full(result.label, comparison, options)}\n\n` : line;
      }
      return `\n${full(result.label, comparison, options)}\n`;
    },
    end(summary) {
      return single ? '' : `\n${totals(summary)}\n`;
    },
  };
}

/** Everything about one case: what was compared, step by step, and the verdict. */
export function full(
  label: string,
  comparison: ReportedComparison,
  options: Pick<ReporterOptions, 'terminal' | 'allSteps'>,
): string {
  // Rounding everywhere has no place that a table could show.
  const table = comparison.coarser ? [] : [stepTable(comparison, options.terminal, options.allSteps), ''];
  return [headline(label, comparison, options), '', ...table, verdictText(comparison, options)].join('\n');
}

/** What was compared, and what the verdict is based on. */
export function headline(
  label: string,
  comparison: ReportedComparison,
  { terminal }: Pick<ReporterOptions, 'terminal'>,
): string {
  const style = styleFor(terminal);
  const [first, ...others] = subjectParts(comparison);
  const judged = judgedByRounding(comparison.tensors);
  return [
    flow([`${style.strong(printable(label))}   ${first}`, ...others], ' · ', terminal, 2),
    ...(judged.length ? [`  ${flow(restsOn(judged), '; ', terminal, 2)}`] : []),
  ].join('\n');
}

/** The verdict with its reasons, notes, warnings and advice. */
export function verdictText(
  comparison: ReportedComparison,
  { terminal }: Pick<ReporterOptions, 'terminal'>,
): string {
  return verdictLines(comparison, styleFor(terminal))
    .map((segments) => flow(segments, '; ', terminal, VERDICT_INDENT.length))
    .join('\n');
}

function subjectParts({ subject, tensors }: ReportedComparison): string[] {
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))].join(' and ');
  return [...subject.words, sequenceText(subject), `${dtypes} reference, computed in ${subject.compute}`];
}

/** `200 steps × 4` */
export function sequenceText(subject: Subject): string {
  return stepCount(subject) + (subject.batch > 1 ? ` × ${subject.batch}` : '');
}

export function stepCount({ steps }: Subject): string {
  return `${formatCount(steps)} ${steps === 1 ? 'step' : 'steps'}`;
}

const VERDICT_INDENT = ' '.repeat(10);

/** The verdict and everything below it: lines of segments. */
function verdictLines(comparison: ReportedComparison, style: Style): string[][] {
  const { verdict, tensors, notChecked, notes, warnings, advice, cause } = comparison;
  const judged = judgedByRounding(tensors);
  const smallest = atolThatPasses(tensors);
  const rule = judged.length ? limits(judged) : toleranceText(tensors);
  const whyFailed = [
    `rule ${rule}`,
    smallest === undefined ? 'no atol passes' : `the smallest atol that passes is ${smallest}`,
  ];
  const remarks = [
    ...(notChecked.length
      ? [`${style.open('not checked')}: ${notChecked.join(', ')} (not in the reference)`]
      : []),
    ...roundingNotes(judged),
    ...notes.map((note) => `note: ${note}`),
    ...warnings.map((warning) => `${style.open('warning')}: ${warning}`),
    ...(cause === undefined ? [] : [`why: ${cause} (cellcheck diagnose says more)`]),
    ...advice.map((line) => `try: ${line}`),
  ];
  const details = [
    ...(verdict === 'parity' || comparison.coarser ? [] : [whyFailed]),
    ...remarks.map((remark) => [remark]),
  ];
  return [
    VERDICT_SEGMENTS[verdict](comparison, style),
    ...details.map(([first, ...others]) => [VERDICT_INDENT + first, ...others]),
  ];
}

type Segments = (comparison: ReportedComparison, style: Style) => string[];

/** The line of each verdict. */
const VERDICT_SEGMENTS: Readonly<Record<Verdict, Segments>> = {
  parity: ({ tensors }, style) => {
    const total = totalOf(tensors, 'elements');
    const judged = judgedByRounding(tensors);
    const rule = judged.length ? limits(judged) : `within ${toleranceText(tensors)}`;
    return [
      `${style.good('parity'.padEnd(10))}${total} of ${total} values ${rule}`,
      ...farthest(judged).map((text) => `the farthest ${text}`),
      `atol ${atolThatPasses(tensors)} would do`,
    ];
  },
  differs: ({ tensors, first, subject, coarser }, style) => {
    const judged = judgedByRounding(tensors);
    if (coarser)
      return [
        `${style.bad('differs'.padEnd(10))}${mismatchesOf(tensors)} values are beyond float32 rounding`,
        `none is beyond that of a coarser precision (profile ${coarser})`,
        `worst ${worstText(tensors, subject)}`,
      ];
    const isOneUnit = judged.some(({ auto }) => auto.units.some(({ weightSigmas }) => weightSigmas));
    return [
      `${style.bad('differs'.padEnd(10))}first at ${placeText(first!.tensor, first!.place, subject)}`,
      isOneUnit
        ? 'no value alone is beyond rounding, but all of one unit are together'
        : `${mismatchesOf(tensors)} values${judged.length ? ' are beyond rounding' : ''}`,
      ...farthest(judged).map((text) => `up to ${text}`),
      ...proven(judged),
      `worst ${worstText(tensors, subject)}`,
    ];
  },
  'ill-conditioned': ({ tensors, divergesAt, subject }, style) => [
    `${style.open('ill-conditioned')}: no verdict`,
    `from step ${divergesAt} on, runs of this network that differ only in rounding diverge too`,
    `only from there on do values fail (${mismatchesOf(tensors)})`,
    `worst ${worstText(tensors, subject)}`,
  ],
  undecided: ({ tensors, subject, overflow }, style) => {
    const undecided = formatCount(sum(tensors.map(({ auto }) => auto?.undecided ?? 0)));
    const tooLittle = `the reference says too little of ${undecided} of ${totalOf(tensors, 'elements')} values`;
    return [
      `${style.open('undecided')}: no verdict`,
      overflow ? overflowText(overflow, subject) : tooLittle,
      `worst ${worstText(tensors, subject)}`,
    ];
  },
};

function totalOf(tensors: readonly ReportedTensor[], key: 'elements' | 'mismatches'): string {
  return formatCount(sum(tensors.map((tensor) => tensor[key])));
}

/** `3 of 100` */
function mismatchesOf(tensors: readonly ReportedTensor[]): string {
  return `${totalOf(tensors, 'mismatches')} of ${totalOf(tensors, 'elements')}`;
}

function atolThatPasses(tensors: readonly ReportedTensor[]): string | undefined {
  if (tensors.some(({ smallestAtol }) => smallestAtol === undefined)) return undefined;
  return formatDifference(largest(tensors.map(({ smallestAtol }) => smallestAtol!)));
}

function placeText(tensor: TensorName, place: Place, subject: Subject): string {
  const { step, batch, unit, direction } = place;
  if (!isSequence(tensor)) return `${tensor}, ${stateLabel(place, subject)} [batch ${batch}, unit ${unit}]`;
  const directionText = subject.directions.length > 1 ? `, ${direction}` : '';
  const where = `step ${step} [batch ${batch}, unit ${unit}${directionText}]`;
  return tensor === 'output' ? where : `${tensor}, ${where}`;
}

function worstText(tensors: readonly ReportedTensor[], subject: Subject): string {
  const size = (tensor: ReportedTensor) =>
    Number.isNaN(tensor.worst.difference) ? Number.POSITIVE_INFINITY : tensor.worst.difference;
  const { name, worst: place } = tensors.reduce((a, b) => (size(b) > size(a) ? b : a));
  const where = isSequence(name)
    ? `${name === 'output' ? '' : `in ${name} `}at step ${place.step}`
    : `in ${name}, ${stateLabel(place, subject)}`;
  return `${formatDifference(place.difference)} ${where}`;
}

function overflowText(
  overflow: NonNullable<ReportedComparison['overflow']>,
  { directions }: Subject,
): string {
  const { layer, direction, step, batch, gate, unit } = overflow;
  const way = directions.length > 1 ? ` ${direction}` : '';
  return `the sum for gate ${gate} of unit ${unit} may overflow in one order of adding and not in another: layer ${layer}${way}, step ${step} [batch ${batch}]`;
}

const WORDS = { parity: 'good', differs: 'bad', 'ill-conditioned': 'open', undecided: 'open' } as const;
const VERDICT_WIDTH = 'differs  '.length;
/** Indents the continuation of a case's line under its label. */
const LINE_INDENT = ' '.repeat(2 + VERDICT_WIDTH + 1);

function caseLine(
  label: string,
  comparison: ReportedComparison,
  width: number,
  style: Style,
  { terminal }: ReporterOptions,
): string {
  const { verdict, tensors, subject, notChecked, warnings } = comparison;
  const head = `  ${style[WORDS[verdict]](verdict.padEnd(VERDICT_WIDTH))} ${printable(label).padEnd(width)}`;
  const judged = judgedByRounding(tensors);
  const summary = [...whereText(comparison).map((text) => `${text},`), farText(comparison)].join(' ');
  const isUsual = judged.length > 0 || tensors.every(isDefault);
  const details = [
    ...(isUsual ? [] : [toleranceText(tensors)]),
    ...(isNamed(judged) ? [limits(judged)] : []),
    ...(notChecked.length ? [`not checked: ${notChecked.join(', ')}`] : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  return [
    flow([head, stepCount(subject).padEnd(9), summary], '  ', terminal, LINE_INDENT.length),
    ...details.map((detail) => flow([LINE_INDENT + detail], ' ', terminal, LINE_INDENT.length)),
  ].join('\n');
}

/** `first at step 42`; empty where no place is known. */
export function whereText({ verdict, first, divergesAt }: ReportedComparison): string[] {
  return [
    ...(first ? [`first at ${first.tensor === 'output' ? `step ${first.place.step}` : first.tensor}`] : []),
    ...(verdict === 'ill-conditioned' ? [`from step ${divergesAt} on`] : []),
  ];
}

/** `worst 0.31 (3.5e6 σ)` */
export function farText({ tensors }: ReportedComparison): string {
  return [
    `worst ${formatDifference(largest(tensors.map(({ worst: { difference } }) => difference)))}`,
    ...farthest(judgedByRounding(tensors)).map((text) => `(${text})`),
  ].join(' ');
}

function errorLine(
  { label, error }: { readonly label: string; readonly error: ReportedError },
  width: number,
  style: Style,
): string {
  const [message, ...hints] = error.message.split('\n');
  return [
    `  ${style.bad('error'.padEnd(VERDICT_WIDTH))} ${printable(label).padEnd(width)}`.trimEnd(),
    ...[message, ...hints].map((line) => LINE_INDENT + line),
  ].join('\n');
}

/** `28 parity, 5 differs, 1 without a verdict (34 cases, 1.2 s)` */
export function totals({ parity, differs, noVerdict, notRun, seconds }: Summary): string {
  const count = parity + differs + noVerdict;
  const without = noVerdict ? `, ${noVerdict} without a verdict` : '';
  const time = seconds === undefined ? '' : `, ${seconds.toFixed(1)} s`;
  const left = notRun ? `, ${notRun} not run` : '';
  return `${parity} parity, ${differs} differs${without}${left} (${count} ${count === 1 ? 'case' : 'cases'}${time})`;
}
