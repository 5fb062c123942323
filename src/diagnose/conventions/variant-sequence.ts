import { relu } from '../../engine/cells/activations.js';
import { pick } from '../../engine/forward.js';
import type { Sequence } from '../../module/bind.js';
import { directionsOf, type Module, outputSize } from '../../module/parameters.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Spot, Variant } from './variant.js';
import {
  atTheEnd,
  byColumn,
  inMemoryOrder,
  lastLayerFirst,
  reorderStates,
  reverseTime,
  SHIFTS,
  type States,
  sameSize,
} from './variant-order.js';
import { mapped, toDecimals } from './variant-weights.js';

/**
 * The sequence that a variant runs over: its input, its initial states and its lengths.
 * @param finals the final states of the run before, where the variant is stateful
 */
export function variantSequence(
  module: Module,
  sequence: Sequence,
  variant: Variant,
  finals: States | undefined,
): Sequence {
  const { steps, batch } = sequence;
  const { lengths } = variant;
  const { h, c } = variantStates(module, finals ?? { h: sequence.h0, c: sequence.c0 }, variant);
  return {
    steps,
    batch,
    input: variantInput(sequence, variant),
    h0: h,
    c0: c,
    lengths: typeof lengths === 'string' ? undefined : (lengths ?? sequence.lengths),
  };
}

function variantStates(module: Module, initial: States, { state, stateOrder, only }: Variant): States {
  const ordered = stateOrder ? reorderStates(initial, orderOf(stateOrder, module)) : initial;
  if (!state) return ordered;
  const changed = INITIAL_STATES[state](ordered, module);
  return only
    ? { h: inPlace(module, ordered.h, changed.h, only), c: inPlace(module, ordered.c, changed.c, only) }
    : changed;
}

/** The states `own` with those of one place as in `changed`: [layers·directions, batch, …]. Absent ones are zeros. */
function inPlace(
  module: Module,
  own: Floats | undefined,
  changed: Floats | undefined,
  { layer, direction }: Spot,
): Floats | undefined {
  const like = own ?? changed;
  if (!like) return undefined;
  const ways = directionsOf(module).length;
  const size = like.length / module.num_layers / ways;
  return like.map((_, i) => {
    const at = Math.floor(i / size);
    const isHere =
      (layer ?? Math.floor(at / ways)) === Math.floor(at / ways) && (direction ?? at % ways) === at % ways;
    return (isHere ? changed : own)?.[i] ?? 0;
  });
}

function variantInput(sequence: Sequence, variant: Variant): Floats {
  const { steps, batch, input } = sequence;
  const { inputOrder, inputShift, inputMemory, inputScale, inputDecimals, inputBy } = variant;
  const read = inputMemory ? inMemoryOrder(input, steps, batch, inputMemory) : input;
  const printed = inputDecimals === undefined ? read : mapped(read, toDecimals(inputDecimals));
  const scaled = inputScale ? mapped(printed, (value) => inputScale[0] * value + inputScale[1]) : printed;
  const applied = inputBy ? scaled.map(INPUT_FUNCTIONS[inputBy]) : scaled;
  const padded = variant.lengths === 'zeros before' ? atTheEnd(applied, sequence) : applied;
  const ordered = inputOrder ? INPUT_ORDERS[inputOrder](padded, steps, batch) : padded;
  return inputShift ? SHIFTS[inputShift](ordered, new Float64Array(input.length / steps)) : ordered;
}

const INPUT_FUNCTIONS = { relu, tanh: Math.tanh };

const INPUT_ORDERS: Readonly<
  Record<NonNullable<Variant['inputOrder']>, (input: Floats, steps: number, batch: number) => Floats>
> = {
  reversed: (input, steps) => reverseTime(input, steps),
  'features reversed': (input, steps, batch) => {
    const size = input.length / steps / batch;
    return input.map((_, i) => input[i + size - 1 - 2 * (i % size)]);
  },
};

const INITIAL_STATES: Readonly<
  Record<NonNullable<Variant['state']>, (initial: States, module: Module) => States>
> = {
  'h_0 = 0': ({ c }) => ({ c }),
  'c_0 = 0': ({ h }) => ({ h }),
  'both 0': () => ({}),
  exchanged: ({ h, c }, module) => (sameSize(module) ? { h: c, c: h } : { h, c }),
  'c_0 = h_0': ({ h, c }, module) => ({ h, c: sameSize(module) ? h : c }),
};

function orderOf(order: NonNullable<Variant['stateOrder']>, module: Module): readonly number[] {
  const ways = directionsOf(module).length;
  switch (order) {
    case 'direction first':
      return byColumn(ways, module.num_layers);
    case 'layers reversed':
      return lastLayerFirst(module);
    case 'first for all':
      return new Array<number>(module.num_layers * ways).fill(0);
    default:
      return order;
  }
}

/** The first batch rows of a sequence. */
export function firstRows(sequence: Sequence, module: Module, count: number): Sequence {
  const { steps, batch, input, h0, c0, lengths } = sequence;
  if (count === batch) return sequence;
  const rows = Array.from({ length: count }, (_, row) => row);
  const states = module.num_layers * directionsOf(module).length;
  return {
    steps,
    batch: count,
    input: pick(input, rows, steps, batch, module.input_size),
    h0: h0 && pick(h0, rows, states, batch, outputSize(module)),
    c0: c0 && pick(c0, rows, states, batch, module.hidden_size),
    lengths: lengths?.slice(0, count),
  };
}
