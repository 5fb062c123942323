import { caseOf, forward, stateDict, type Tensor, tensor } from '../../src/index.js';
import { KINDS, type Kind, type Nonlinearity } from '../../src/kinds.js';
import type { Case } from '../../src/module/case.js';
import type { FloatDtype } from '../../src/tensor/dtype.js';

export const numbers = (shape: readonly number[], values: readonly number[], dtype: FloatDtype = 'F64') =>
  tensor([...shape], [...values], dtype);

export interface Turning {
  readonly kind?: Kind;
  /** The gate of the third unit that takes the difference; what goes through tanh if absent. */
  readonly gate?: string;
  readonly scale: number;
  /** What the third unit adds to it. */
  readonly third?: number;
  /** What the first unit makes of the third one's h. */
  readonly next?: number;
  readonly input?: readonly number[];
  readonly nonlinearity?: Nonlinearity;
  readonly states?: Readonly<Record<string, Tensor>>;
}

/**
 * A network of three units: two that keep the first input, and a third that is given, at the second step, the scaled
 * difference of what they keep, which is zero but for how both were rounded.
 */
export async function turning({
  kind = 'RNN',
  scale,
  next = 0,
  third = 0,
  input = [1, 0],
  nonlinearity,
  ...said
}: Turning) {
  const { gates } = KINDS[kind];
  const value = kind === 'RNN' ? 'h' : kind === 'GRU' ? 'n' : 'g';
  const rows = (gate: string, of: readonly (readonly number[])[]) =>
    gates.flatMap((one) => (one === gate ? of : of.map((row) => row.map(() => 0)))).flat();
  const weights = (ratio: number) =>
    stateDict({
      weight_ih_l0: numbers([3 * gates.length, 1], rows(value, [[1], [0.7], [third]])),
      weight_hh_l0: numbers(
        [3 * gates.length, 3],
        rows(said.gate ?? value, [
          [0, 0, next],
          [0, 0, 0],
          [scale, -scale * ratio, 0],
        ]),
      ),
    });
  const step = { input: numbers([1, 1, 1], input.slice(0, 1)), ...said.states };
  const first = await forward(weights(0), step, { nonlinearity });
  const [a, b] = first.output!.data;
  const tensors = { input: numbers([input.length, 1, 1], input), ...said.states };
  const outputs = await forward(weights(a / b), tensors, { nonlinearity });
  return { weights: weights(a / b), tensors, outputs };
}

/** The case of such a network, and of what it computes itself, but for what is put in the place of some values. */
export function caseWith(
  { weights, tensors, outputs }: Awaited<ReturnType<typeof turning>>,
  dtypes: Readonly<Record<string, FloatDtype>>,
  other: Readonly<Record<string, Readonly<Record<number, number>>>>,
): Case {
  const expected = Object.entries(dtypes).map(([name, dtype]) => {
    const { shape, data } = outputs[name as 'output' | 'h_n' | 'c_n']!;
    return [
      name,
      numbers(
        shape,
        Array.from(data, (one, i) => other[name]?.[i] ?? one),
        dtype,
      ),
    ] as const;
  });
  return caseOf(weights, { ...tensors, ...Object.fromEntries(expected) });
}
