import type { CheckpointDiff, ModuleDiff, ParameterDiff } from '../diff/diff.js';
import type { Relation } from '../diff/relation.js';
import { printable } from '../errors.js';
import { formatShape } from '../tensor/shape.js';
import type { Reporter, ReporterOptions } from './reporter.js';
import { flow } from './terminal/flow.js';
import { formatCount, formatDifference, largest } from './terminal/numbers.js';
import { type Style, styleFor, type Terminal } from './terminal/style.js';
import { renderTable } from './terminal/table.js';

/** A text for people. */
export function diffText({ terminal }: ReporterOptions): Reporter<'diff'> {
  const style = styleFor(terminal);
  return {
    begin: () => '',
    result: (diff) => textOf(diff, style, terminal),
    end: () => '',
  };
}

function textOf({ labels, modules, only, equal }: CheckpointDiff, style: Style, terminal: Terminal): string {
  const [a, b] = labels.map(printable);
  const missing = only.flatMap((prefixes, side) =>
    prefixes.map((prefix) => `  only in ${labels.map(printable)[side]}: ${label(prefix)}`),
  );
  const verdict = equal ? style.good('equal') : style.bad('differ');
  return [
    '',
    flow([style.strong(a), style.strong(b)], '  →  ', terminal, 2),
    '',
    ...modules.map((module) => `${moduleText(module, style, terminal)}\n`),
    ...(missing.length ? [...missing, ''] : []),
    `${verdict}   ${summary(modules, only)}`,
    '',
  ].join('\n');
}

const label = (prefix: string) => (prefix === '' ? '(no prefix)' : printable(prefix));

function summary(modules: readonly ModuleDiff[], only: CheckpointDiff['only']): string {
  const parameters = modules.flatMap((module) => module.parameters);
  const equal = parameters.filter(({ relation }) => relation.kind === 'equal').length;
  const alone = only.flat().length + modules.reduce((sum, module) => sum + module.only.flat().length, 0);
  return [
    `${formatCount(equal)} of ${formatCount(parameters.length)} parameters are equal`,
    ...(alone ? [`${formatCount(alone)} in only one of the two`] : []),
  ].join(', ');
}

function moduleText(
  { prefixes, words, parameters, only, mergedBiases }: ModuleDiff,
  style: Style,
  terminal: Terminal,
): string {
  const [a, b] = prefixes.map(label);
  const [first, second] = words.map((parts) => parts.join(' · '));
  const head = flow(
    [`  ${style.strong(a === b ? a : `${a} → ${b}`)}`, first, ...(second === first ? [] : [`→ ${second}`])],
    '   ',
    terminal,
    4,
  );
  const changed = parameters.filter(({ relation }) => relation.kind !== 'equal');
  const equal = parameters.length - changed.length;
  const columns = [
    { head: 'parameter', align: 'left' },
    { head: 'gate', align: 'left' },
    { head: 'max |Δ|', align: 'right' },
    { head: 'rms Δ', align: 'right' },
  ] as const;
  // What is said of every parameter stands once.
  const whats = new Set(changed.map(({ relation, shapes }) => relationText(relation, shapes)));
  const [what] = whats;
  const isOne = whats.size === 1 && changed.length > 1 && changed[0].relation.kind !== 'differs';
  const lines = isOne
    ? [{ label: `${formatCount(changed.length)} parameters`, across: `${what}${atMost(changed)}` }]
    : changed.flatMap(parameterLines);
  return [
    head,
    '',
    ...(lines.length ? [renderTable(columns, lines, style).replace(/^/gm, '  ')] : []),
    ...(equal ? [`    ${lines.length ? 'the other ' : ''}${formatCount(equal)} parameters are equal`] : []),
    ...only.flatMap((names, side) =>
      names.length
        ? [
            flow(
              [
                `    only in the ${['first', 'second'][side]}: ${printable(names[0])}`,
                ...names.slice(1).map(printable),
              ],
              ', ',
              terminal,
              6,
            ),
          ]
        : [],
    ),
    ...mergedBiases.map((name) => `    ${printable(name)}: one of the two has the sum of both biases`),
  ].join('\n');
}

function parameterLines(parameter: ParameterDiff) {
  const { name, relation, gates, shapes } = parameter;
  const isOpen = relation.kind === 'differs';
  const what = `${relationText(relation, shapes)}${isOpen ? '' : atMost([parameter])}`;
  return [
    { label: printable(name), across: what },
    ...(isOpen ? gates.filter((change) => change.largest !== 0) : []).map(({ gate = '', largest, rms }) => [
      '',
      gate,
      formatDifference(largest),
      formatDifference(rms),
    ]),
  ];
}

/** How far rounded values are from the others. */
function atMost(parameters: readonly ParameterDiff[]): string {
  const changes = parameters.flatMap(({ relation, gates }) => (relation.kind === 'rounded' ? gates : []));
  return changes.length === 0
    ? ''
    : `, by ${formatDifference(largest(changes.map((change) => change.largest)))} at most`;
}

function relationText(relation: Relation, [a, b]: ParameterDiff['shapes']): string {
  switch (relation.kind) {
    case 'equal':
      return 'equal';
    case 'rounded':
      return `the ${relation.rounded} is the other, rounded to ${relation.to}`;
    case 'gates-permuted':
      return `equal, with the row blocks in the order ${relation.order.join(' ')}`;
    case 'rows-permuted':
      return 'equal, with the rows in another order';
    case 'transposed':
      return 'equal, transposed';
    case 'other-shape':
      return `has another shape: ${formatShape(a)}, ${formatShape(b)}`;
    case 'differs':
      return 'differs';
  }
}
