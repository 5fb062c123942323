import type { BoundCase } from '../module/bind.js';
import { directionsOf } from '../module/parameters.js';
import { isPadding, positionOf, type Reference } from '../tensor/reference.js';
import type { Pattern } from '../verdict/cause.js';
import type { ComparedTensor } from '../verdict/run.js';

/** Parts that are off in at least this share of their cells are off as such, and not here and there. */
const MOST = 0.5;
/** More units than this are counted, and not named. */
const MOST_NAMED = 8;

/**
 * Which steps, batch rows, units, directions and layers of a reference follow, with every step begun from the reference's
 * own state. Undefined where the reference has no output of every step, or was not judged by rounding.
 */
export function patternOf(boundCase: BoundCase, tensors: readonly ComparedTensor[]): Pattern | undefined {
  const output = tensors.find(({ reference }) => reference.name === 'output');
  const grid = output?.judgement?.forced ? gridOf(output.reference, output.judgement.faults) : undefined;
  if (!grid) return undefined;
  const { inside, padding } = grid;
  if (inside.length === 0) {
    if (padding.length)
      return { says: ['every step within the lengths follows; only the padding differs'], onlyPadding: true };
    const ofLayers = knownLayersSaid(tensors);
    return ofLayers.length ? { says: ofLayers } : undefined;
  }
  const says = [...directionsSaid(grid), ...placesSaid(grid), ...unitsSaid(grid)];
  return {
    steps: partly(
      offOf(inside, ({ step }) => step),
      grid.steps,
    ),
    rows: partly(
      offOf(inside, ({ row }) => row),
      grid.batch,
    ),
    units: partly(
      offOf(inside, ({ unit }) => unit),
      grid.units,
    ),
    fromPlace: placeOf(grid),
    says: [...says, ...layersSaid(boundCase, tensors)],
  };
}

/** A value that does not follow. */
interface Off {
  readonly step: number;
  readonly row: number;
  readonly unit: number;
}

interface Grid {
  readonly steps: number;
  readonly batch: number;
  readonly units: number;
  readonly directions: readonly string[];
  readonly lengthOf: (row: number) => number;
  /** Within the lengths, and beyond them. */
  readonly inside: readonly Off[];
  readonly padding: readonly Off[];
}

function gridOf(reference: Reference, faults: Uint8Array): Grid {
  const { rows: steps, batch, units, axes } = reference;
  const lengthOf = (row: number) => axes.lengths?.[row] ?? steps;
  const [inside, padding]: [Off[], Off[]] = [[], []];
  for (const [i, fault] of faults.entries()) {
    if (!fault) continue;
    const at = positionOf(reference, i);
    (isPadding(reference, i) ? padding : inside).push({ step: at.step, row: at.batch, unit: at.unit });
  }
  return { steps, batch, units, directions: axes.directions, lengthOf, inside, padding };
}

/** The different indices, in order. */
function offOf(off: readonly Off[], index: (at: Off) => number): number[] {
  return [...new Set(off.map(index))].sort((a, b) => a - b);
}

/** The indices that do not follow, where others do. */
function partly(off: readonly number[], count: number): readonly number[] | undefined {
  return off.length < count ? off : undefined;
}

function directionsSaid({ directions, units, inside }: Grid): string[] {
  const size = units / directions.length;
  const off = offOf(inside, ({ unit }) => Math.floor(unit / size));
  if (directions.length === 1 || off.length === directions.length) return [];
  return [`the ${directions[1 - off[0]]} direction follows; only the ${directions[off[0]]} one does not`];
}

/** The place from which on hardly anything follows, in the order of memory, where that is no matter of steps or of rows. */
function placeOf({ steps, batch, inside }: Grid): readonly [step: number, row: number] | undefined {
  const cells = new Set(inside.map(({ step, row }) => step * batch + row));
  const first = [...cells].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const isPlace = first > batch && first % batch > 0 && cells.size > MOST * (steps * batch - first);
  const isInAllRows = new Set(inside.map(({ row }) => row)).size === batch;
  return isPlace && isInAllRows ? [Math.floor(first / batch), first % batch] : undefined;
}

/** What is said of steps and batch rows. */
function placesSaid(grid: Grid): string[] {
  const { steps, batch, lengthOf, inside } = grid;
  const stepsOff = offOf(inside, ({ step }) => step);
  const rowsOff = offOf(inside, ({ row }) => row);
  const cells = new Set(inside.map(({ step, row }) => step * batch + row));
  const possible = stepsOff.flatMap((step) => rowsOff.filter((row) => step < lengthOf(row)));
  const share = cells.size / possible.length;
  const place = placeOf(grid);
  if (place)
    return [
      `all follows up to step ${place[0]} [batch ${place[1]}], and hardly anything after it, in the order of memory`,
    ];
  if (share < MOST) return [];
  const said: string[] = [];
  if (rowsOff.length < batch) {
    const others = complement(rowsOff, batch);
    const follow = `batch ${ranges('row', others)} ${others.length === 1 ? 'follows' : 'follow'} in every step`;
    const off =
      stepsOff.length === steps && share === 1
        ? `${ranges('row', rowsOff)} in none`
        : `${ranges('row', rowsOff)} ${rowsOff.length === 1 ? 'does' : 'do'} not${stepsOff.length < steps ? ` in ${ranges('step', stepsOff)}` : ''}`;
    said.push(`${follow}, ${off}`);
  } else if (stepsOff.length < steps) {
    said.push(stepsSaid(stepsOff, steps));
  }
  return said;
}

function stepsSaid(off: readonly number[], steps: number): string {
  const others = complement(off, steps);
  if (off.length === 1)
    return `only step ${off[0]} does not follow; ${ranges('step', others)} ${others.length === 1 ? 'does' : 'do'}`;
  const every = off[1] - off[0];
  const isRegular = every > 1 && off.every((step, i) => step === off[0] + i * every);
  if (isRegular)
    return `every ${ordinal(every)} step from step ${off[0]} on does not follow (${off.slice(0, 3).join(', ')}, …); the others do`;
  if (off[0] > 0 && off.length === steps - off[0])
    return `${ranges('step', others)} ${others.length === 1 ? 'follows' : 'follow'}; from step ${off[0]} on none does`;
  return `${ranges('step', off)} do not follow; ${ranges('step', others)} ${others.length === 1 ? 'does' : 'do'}`;
}

function unitsSaid({ units, directions, inside }: Grid): string[] {
  const size = units / directions.length;
  const off = offOf(inside, ({ unit }) => unit);
  const ways = new Set(off.map((unit) => Math.floor(unit / size)));
  const all = ways.size * size;
  if (off.length === all) return [];
  const others = complement(off, units).filter((unit) => ways.has(Math.floor(unit / size)));
  if (off.length <= Math.min(MOST_NAMED, all / 2))
    return [
      `only ${ranges('unit', off)} ${off.length === 1 ? 'is' : 'are'} off; the other ${all - off.length} follow everywhere`,
    ];
  if (others.length <= MOST_NAMED)
    return [
      `${ranges('unit', others)} ${others.length === 1 ? 'follows' : 'follow'} everywhere, the others do not`,
    ];
  return [`${off.length} of ${all} units are off`];
}

function isLowerLayer({ reference: { name, axes } }: ComparedTensor): boolean {
  return axes.layer !== undefined && name !== 'output';
}

/** Which of the layers whose output is known follow from what goes into them. */
function knownLayersSaid(tensors: readonly ComparedTensor[]): string[] {
  const known = tensors.filter(
    ({ reference, judgement }) => reference.axes.layer !== undefined && judgement?.forced,
  );
  const layersOf = (some: readonly ComparedTensor[]) => some.map(({ reference }) => reference.axes.layer!);
  const off = layersOf(known.filter(({ judgement }) => judgement!.faults.includes(1)));
  const follow = layersOf(known).filter((layer) => !off.includes(layer));
  if (off.length === 0 || follow.length === 0) return [];
  const verb = ({ length }: readonly number[]) => (length === 1 ? 'does' : 'do');
  return [
    `${ranges('layer', off)} ${verb(off)} not follow from what goes in; ${ranges('layer', follow)} ${verb(follow)}`,
  ];
}

/** What final states and the outputs of lower layers say of the layers. */
function layersSaid({ network: { module } }: BoundCase, tensors: readonly ComparedTensor[]): string[] {
  const top = module.num_layers - 1;
  if (top === 0) return [];
  if (tensors.some(isLowerLayer)) return knownLayersSaid(tensors);
  const states = tensors.find(({ reference }) => reference.name === 'h_n');
  const ways = directionsOf(module).length;
  if (!states?.judgement)
    return [
      `what goes into layer ${top} is not in the case: the fault may be in a layer below (--layer-outputs shows which)`,
    ];
  const { faults, reference } = states.judgement;
  const size = ways * reference.batch * reference.units;
  const off = Array.from({ length: module.num_layers }, (_, layer) =>
    faults.subarray(layer * size, (layer + 1) * size).includes(1),
  ).flatMap((isOff, layer) => (isOff ? [layer] : []));
  const [first = 0] = off;
  return first > 0
    ? [
        `the final states of ${ranges(
          'layer',
          Array.from({ length: first }, (_, i) => i),
        )} agree: what goes into layer ${first} is wrong (dropout left on, a scale, another input), or layer ${first} itself`,
      ]
    : ["layer 0's final states differ already: the fault is in layer 0, or in what goes into it"];
}

function complement(off: readonly number[], count: number): number[] {
  const set = new Set(off);
  return Array.from({ length: count }, (_, i) => i).filter((i) => !set.has(i));
}

/** `rows 0 to 8 and 11` */
export function ranges(noun: string, indices: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < indices.length; ) {
    let end = i;
    while (indices[end + 1] === indices[end] + 1) end++;
    parts.push(end - i > 1 ? `${indices[i]} to ${indices[end]}` : indices.slice(i, end + 1).join(', '));
    i = end + 1;
  }
  const shown = parts.slice(0, MOST_NAMED).join(', ') + (parts.length > MOST_NAMED ? ', …' : '');
  return `${noun}${indices.length === 1 ? '' : 's'} ${shown}`;
}

function ordinal(count: number): string {
  const endings: Readonly<Record<number, string>> = { 1: 'st', 2: 'nd', 3: 'rd' };
  const isTeen = count % 100 > 10 && count % 100 < 14;
  return `${count}${isTeen ? 'th' : (endings[count % 10] ?? 'th')}`;
}
