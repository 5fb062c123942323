import type { Place, TensorComparison } from '../compare/compare.js';
import type { Inspection } from '../inspect/inspect.js';
import type { Direction } from '../kinds.js';
import { FAR } from './state-columns.js';
import { formatCount, formatDifference } from './terminal/numbers.js';

/** Where an element of output, h_n or c_n is, as the selections of inspect name it. */
interface Element {
  readonly layer: number;
  readonly direction: Direction;
  readonly batch: number;
  /** Of a state the last one that its direction takes. */
  readonly step: number;
  readonly unit: number;
}

/**
 * How far the outputs are from what the case expects, all of it, whatever is selected; and the selections that show the
 * first value that is not close.
 */
export function differenceLines(inspection: Inspection): string[] {
  const { tensors, subject } = inspection;
  const text = (element: Element) => {
    const { layer, direction, batch, step, unit } = element;
    const stack = [
      ...(subject.num_layers > 1 ? [`layer ${layer}`] : []),
      ...(subject.directions.length > 1 ? [direction] : []),
    ].join(' ');
    return `step ${step}${stack && `, ${stack}`} [batch ${batch}, unit ${unit}]`;
  };
  const firsts: Element[] = [];
  const lines = tensors.map(({ name, worst, mismatches, elements, rows }) => {
    const size = formatDifference(worst.difference);
    const farthest = `largest |Δ| ${size} at ${text(elementOf(name, worst, inspection))}`;
    const failing = rows.find((row) => row.mismatches > 0);
    if (!failing) return `${name}: close to what is expected, ${farthest}`;
    const first = elementOf(name, failing.worst, inspection);
    firsts.push(first);
    const count = `${formatCount(mismatches)} of ${formatCount(elements)} values are not close (${FAR})`;
    return `${name}: ${count}, first at ${text(first)}; ${farthest}`;
  });
  return firsts.length ? [...lines, `look there: ${flags(firsts[0], inspection)}`] : lines;
}

function elementOf(
  name: TensorComparison['name'],
  { row, batch, unit }: Place,
  { subject, lengths }: Inspection,
): Element {
  const { directions, num_layers, proj_size, hidden_size, steps } = subject;
  if (name === 'output') {
    const size = proj_size || hidden_size;
    const direction = directions[Math.floor(unit / size)];
    return { layer: num_layers - 1, direction, batch, step: row, unit: unit % size };
  }
  const direction = directions[row % directions.length];
  const step = direction === 'forward' ? (lengths?.[batch] ?? steps) - 1 : 0;
  return { layer: Math.floor(row / directions.length), direction, batch, step, unit };
}

/** What there is one of only needs no selection. */
function flags({ layer, direction, batch, step, unit }: Element, { subject }: Inspection): string {
  return [
    ...(subject.num_layers > 1 ? [`--layer ${layer}`] : []),
    ...(subject.directions.length > 1 ? [`--direction ${direction}`] : []),
    ...(subject.batch > 1 ? [`--batch ${batch}`] : []),
    `--step ${step}`,
    `--unit ${unit}`,
  ].join(' ');
}
