import type { Place } from '../compare/element.js';
import type { Inspection } from '../inspect/inspect.js';
import { isSequence, type TensorName } from '../kinds.js';
import { FAR } from './state-columns.js';
import { formatCount, formatDifference } from './terminal/numbers.js';

/**
 * The largest difference of each output from what the case expects, whatever is selected, and the options that select
 * the first value that is not close.
 */
export function differenceLines(inspection: Inspection): string[] {
  const { tensors, subject } = inspection;
  const placeText = ({ layer, direction, batch, step, unit }: Place) => {
    const layerAndDirection = [
      ...(subject.num_layers > 1 ? [`layer ${layer}`] : []),
      ...(subject.directions.length > 1 ? [direction] : []),
    ].join(' ');
    return `step ${step}${layerAndDirection && `, ${layerAndDirection}`} [batch ${batch}, unit ${unit}]`;
  };
  const firsts: Place[] = [];
  const lines = tensors.map(({ name, worst, mismatches, elements, rows }) => {
    const size = formatDifference(worst.difference);
    const farthest = `largest |Δ| ${size} at ${placeText(elementOf(name, worst, inspection))}`;
    const failing = rows.find((row) => row.mismatches > 0);
    if (!failing) return `${name}: close to what is expected, ${farthest}`;
    const first = elementOf(name, failing.worst, inspection);
    firsts.push(first);
    const count = `${formatCount(mismatches)} of ${formatCount(elements)} values are not close (${FAR})`;
    return `${name}: ${count}, first at ${placeText(first)}; ${farthest}`;
  });
  return firsts.length ? [...lines, `look there: ${flags(firsts[0], inspection)}`] : lines;
}

/** An element with its unit counted within its direction, as the options of inspect count it. */
function elementOf(name: TensorName, place: Place, { subject }: Inspection): Place {
  if (!isSequence(name)) return place;
  return { ...place, unit: place.unit % (subject.proj_size || subject.hidden_size) };
}

/** The options that select an element; none for a layer, direction or batch row that is the only one. */
function flags({ layer, direction, batch, step, unit }: Place, { subject }: Inspection): string {
  return [
    ...(subject.num_layers > 1 ? [`--layer ${layer}`] : []),
    ...(subject.directions.length > 1 ? [`--direction ${direction}`] : []),
    ...(subject.batch > 1 ? [`--batch ${batch}`] : []),
    `--step ${step}`,
    `--unit ${unit}`,
  ].join(' ');
}
