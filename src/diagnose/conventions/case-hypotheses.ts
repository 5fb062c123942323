import type { Kind } from '../../kinds.js';
import type { BoundCase } from '../../module/bind.js';
import { directionsOf, layerInputSize, outputSize } from '../../module/parameters.js';
import type { Reference } from '../../tensor/reference.js';
import { dropEvery, hypothesesFor } from './hypotheses.js';
import { firstOf, type Hypothesis, permutations } from './hypothesis.js';

/** More lengths than this are not listed in full. */
const MAX_LISTED = 8;

/** The hypotheses that make sense for a case, the likeliest first. */
export function hypothesesOf(boundCase: BoundCase): readonly Hypothesis[] {
  const { network, sequence, references } = boundCase;
  const hypotheses = [
    ...hypothesesFor(network.module, sequence),
    ...ofSizes(boundCase),
    ...ofLayers(boundCase),
    ...ofStates(boundCase),
    ...ofLengths(boundCase),
    ...ofChunks(boundCase),
    ...ofDecimals(),
  ];
  const output = references.find(({ name }) => name === 'output');
  if (!output || sequence.lengths) return hypotheses;
  const lengths = lengthsBeforeZeros(output);
  if (lengths.every((length) => length === output.rows)) return hypotheses;
  return [missingLengths(lengths), ...hypotheses];
}

/** Layers with the weights of another one. */
function ofLayers({ network: { module } }: BoundCase): Hypothesis[] {
  const own = Array.from({ length: module.num_layers }, (_, i) => i);
  const pairs = own.flatMap((layer) =>
    own
      .filter((from) => from !== layer && layerInputSize(module, from) === layerInputSize(module, layer))
      .map((from) => [layer, from] as const),
  );
  return [
    ...pairs.map(
      ([layer, from]): Hypothesis => ({
        name: `layer ${layer} from ${from}`,
        change: { layers: own.with(layer, from) },
        says: `layer ${layer} runs with the weights of layer ${from}`,
        remedy: `load the tensors that end in _l${layer} into layer ${layer}`,
        alone: true,
      }),
    ),
    ...pairs
      .filter(([layer, from]) => layer < from)
      .map(
        ([layer, from]): Hypothesis => ({
          name: `layers ${layer} and ${from} exchanged`,
          change: { layers: own.with(layer, from).with(from, layer) },
          says: `layers ${layer} and ${from} run with each other's weights`,
          remedy: `load the tensors that end in _l${layer} into layer ${layer}, and those in _l${from} into layer ${from}`,
          alone: true,
        }),
      ),
  ];
}

/** What programs round sizes to. */
const BLOCKS = [4, 8, 16, 32];

/** Loops and strides that stop short, and limits of magnitudes. */
function ofSizes({ network: { module } }: BoundCase): Hypothesis[] {
  const sizes = { weightIh: module.input_size, weightHh: outputSize(module) };
  const matrices = ['weightIh', 'weightHh'] as const;
  const said = { weightIh: ['weight_ih', 'features'], weightHh: ['weight_hh', 'units'] } as const;
  const short = matrices.flatMap((tensor) => {
    const size = sizes[tensor];
    const counts = new Set([size - 1, ...BLOCKS.map((block) => size - (size % block))]);
    return [...counts]
      .filter((count) => count > 0 && count < size)
      .map(
        (count): Hypothesis => ({
          name: `columns ${tensor} ${count}`,
          change: { columns: [tensor, count] },
          says: `only the first ${count} of ${size} ${said[tensor][1]} are multiplied by ${said[tensor][0]}`,
          remedy: `let the loop over the columns of ${said[tensor][0]} run to ${size}`,
          alone: true,
        }),
      );
  });
  const strides = matrices.flatMap((tensor) => {
    const size = sizes[tensor];
    const others = new Set([
      sizes[tensor === 'weightIh' ? 'weightHh' : 'weightIh'],
      ...BLOCKS.map((block) => Math.ceil(size / block) * block),
    ]);
    return [...others]
      .filter((stride) => stride !== size)
      .map(
        (stride): Hypothesis => ({
          name: `stride ${tensor} ${stride}`,
          change: { stride: [tensor, stride] },
          says: `the rows of ${said[tensor][0]} are read ${stride} values apart, and are ${size} apart`,
          remedy: `begin row r of ${said[tensor][0]} at r · ${size}`,
          alone: true,
        }),
      );
  });
  return [
    ...short,
    ...strides,
    ...(module.kind === 'RNN' ? [] : LIMITS.flatMap((most) => limitedBy(most, module.kind))),
  ];
}

/** The limits that programs have for cell states and sums. */
const LIMITS = [0.5, 1, 2, 3, 5, 10, 20, 50];

function limitedBy(most: number, kind: Kind): Hypothesis[] {
  const entry = (what: 'cell' | 'sums', says: string): Hypothesis => ({
    name: `clip ${what} ${most}`,
    change: { clip: [what, most] },
    says: `${says} limited to ±${most}`,
    remedy: 'switch the clipping off (clip, cell_clip, cell_clipping)',
    alone: true,
  });
  return [
    entry('sums', 'the sums before activations are'),
    ...(kind === 'LSTM' ? [entry('cell', 'the cell state is')] : []),
  ];
}

/** Lengths of other rows: in any order of a few rows, sorted or shifted of more. */
function ofLengths({ sequence: { lengths } }: BoundCase): Hypothesis[] {
  if (!lengths || lengths.length < 2) return [];
  const orders =
    lengths.length <= SOME_STATES
      ? permutations(lengths)
      : [
          lengths.toSorted((a, b) => b - a),
          lengths.toSorted((a, b) => a - b),
          lengths.toReversed(),
          ...[1, -1].map((by) => lengths.map((_, row) => lengths.at((row + by) % lengths.length)!)),
        ];
  const texts = new Set([lengths.join(', ')]);
  return orders.flatMap((order): Hypothesis[] => {
    const text = order.join(', ');
    if (texts.has(text)) return [];
    texts.add(text);
    return [
      {
        name: `lengths ${text}`,
        change: { lengths: order },
        says: `the rows have the lengths of other rows: ${firstOf(order, MAX_LISTED)}`,
        remedy: 'keep the lengths in the order of the rows: both are sorted for packing, or neither is',
        alone: true,
      },
    ];
  });
}

/** What people cut sequences into. */
const CHUNKS = [...Array.from({ length: 15 }, (_, i) => i + 2), 20, 25, 32, 50, 64, 100, 128];

/** States that are dropped between chunks, where the reverse direction hides at which step. */
function ofChunks({ network: { module }, sequence: { steps } }: BoundCase): Hypothesis[] {
  if (!module.bidirectional) return [];
  return CHUNKS.filter((count) => count < steps).map((count) => dropEvery(count, steps));
}

/** Operands that were printed on one side only. */
function ofDecimals(): Hypothesis[] {
  return [6, 5, 4, 3, 2, 1].flatMap((decimals): Hypothesis[] => {
    const remedy = 'hand them on in a binary format, or with nine digits';
    return [
      {
        name: `weights to ${decimals} decimals`,
        change: { quantised: { decimals } },
        says: `the weights were rounded to ${decimals} decimals`,
        remedy,
        alone: true,
      },
      {
        name: `input to ${decimals} decimals`,
        change: { inputDecimals: decimals },
        says: `the input was rounded to ${decimals} decimals`,
        remedy,
        alone: true,
      },
    ];
  });
}

/** Of so few states, each may be any of them; of so many, all orders are tried. */
const FEW_STATES = 3;
const SOME_STATES = 4;

/** Initial states of other layers and directions. */
function ofStates({ network: { module }, sequence: { h0, c0 } }: BoundCase): Hypothesis[] {
  const count = module.num_layers * directionsOf(module).length;
  if (count < 2 || !(h0 ?? c0)) return [];
  const own = Array.from({ length: count }, (_, i) => i);
  return choicesOf(own)
    .filter((choice) => choice.some((from, i) => from !== i))
    .map(
      (choice): Hypothesis => ({
        name: `states ${choice.join(' ')}`,
        change: { stateOrder: choice },
        says: `layers and directions begin from the initial states ${choice.join(', ')}, not ${own.join(', ')}`,
        remedy: 'give each its own: layer 0 forward, layer 0 reverse, layer 1 forward, …',
        alone: true,
      }),
    );
}

/** The states that every layer and direction may begin from. */
function choicesOf(own: readonly number[]): number[][] {
  const count = own.length;
  if (count <= FEW_STATES)
    return own.reduce<number[][]>((all) => all.flatMap((one) => own.map((next) => [...one, next])), [[]]);
  const shifts = [-1, 1].flatMap((by) => [
    own.map((i) => (i + by + count) % count),
    own.map((i) => Math.min(Math.max(i + by, 0), count - 1)),
  ]);
  return count <= SOME_STATES ? [...permutations(own), ...shifts] : shifts;
}

/** The steps of each batch row before the zeros at its end; at least one. */
function lengthsBeforeZeros({ rows: steps, batch, units, data }: Reference): number[] {
  return Array.from({ length: batch }, (_, row) => {
    const isZero = (t: number) => {
      const start = (t * batch + row) * units;
      return data.subarray(start, start + units).every((value) => value === 0);
    };
    let length = steps;
    while (length > 1 && isZero(length - 1)) length--;
    return length;
  });
}

function missingLengths(lengths: readonly number[]): Hypothesis {
  return {
    name: 'lengths missing',
    change: { lengths },
    says: `the reference ends early: its batch rows are zero from the steps ${firstOf(lengths, MAX_LISTED)} on`,
    remedy: 'add the lengths to the case (an input tensor named lengths)',
  };
}
