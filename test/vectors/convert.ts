import { forward } from '../../src/forward.js';
import type { ModuleName } from '../../src/kinds.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';

type Nested = number | readonly Nested[];

interface Dense {
  /** [inputs, outputs], as Keras has it. */
  readonly kernel: readonly (readonly number[])[];
  readonly bias: readonly number[];
  readonly act: string;
}

/** A vector that another project publishes: weights in PyTorch's layout, an input, and what came out. */
export interface Vector {
  readonly name: string;
  readonly module: ModuleName;
  readonly batch_first?: boolean;
  /** Of what was published. */
  readonly decimals: number;
  /** Where it is more than `decimals` say. */
  readonly tolerance?: number;
  readonly weights: Readonly<Record<string, Nested>>;
  readonly input: Nested;
  readonly h_0?: Nested;
  readonly c_0?: Nested;
  /** Outputs by their names, or what the dense layers make of `output`. */
  readonly expected: Readonly<Record<string, Nested>>;
  /** Modules that follow each other, by their prefixes. */
  readonly chain?: readonly { readonly prefix: string }[];
  /** Dense layers behind them; with a chain it is `dense.weight` and `dense.bias`. */
  readonly post?: readonly Dense[];
  /** What it must come to, if not parity. */
  readonly expect?: 'differs';
}

// Seven decimals are all that float32 has; what was computed in it is some units off in the last of them.
const FLOAT32 = 2 ** -21;

/** A JSON bundle that cellcheck takes, with the tolerance that the published decimals allow, or with none. */
export async function bundleOf(vector: Vector, stated: boolean): Promise<Record<string, unknown>> {
  const { module, batch_first = false, weights, input, h_0, c_0, expected } = vector;
  const atol = vector.tolerance ?? Math.max(0.5 * 10 ** -vector.decimals, FLOAT32);
  const tolerance = stated ? { rtol: 0, atol, reason: `${vector.decimals} published decimals` } : undefined;
  const { dense_of_output: target, ...outputs } = expected;
  if (target === undefined) {
    return { case: { module, batch_first, tolerance }, ...weights, input, h_0, c_0, ...outputs };
  }

  // Only the end of a chain was published: the parts before it are run here, and the last dense layer is verified.
  let rows: number[][] = await runRecurrent(vector);
  const layers = [...denseLayers(vector)];
  const last = layers.pop()!;
  for (const layer of layers) rows = rows.map((row) => applied(layer, row));
  return denseAsRnn(last, rows, target as readonly number[], tolerance);
}

const ACTIVATIONS: Readonly<Record<string, (x: number) => number>> = {
  '': (x) => x,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

function applied({ kernel, bias, act }: Dense, row: readonly number[]): number[] {
  return bias.map((b, j) => ACTIVATIONS[act](row.reduce((sum, x, k) => sum + x * kernel[k][j], b)));
}

async function runRecurrent({
  chain = [{ prefix: '' }],
  module,
  batch_first,
  weights,
  input,
}: Vector): Promise<number[][]> {
  const dict = stateDict(
    Object.fromEntries(Object.entries(weights).map(([name, value]) => [name, tensorOf(value)])),
  );
  let rows = input as number[][];
  if (batch_first) [rows] = input as unknown as number[][][];
  for (const { prefix } of chain) {
    const x = tensor([rows.length, rows[0].length], rows.flat(), 'F64');
    const { output } = await forward(dict, { input: x }, { module, prefix });
    const [steps, size] = output!.shape;
    rows = Array.from({ length: steps }, (_, t) => [...output!.data.subarray(t * size, (t + 1) * size)]);
  }
  return rows;
}

function tensorOf(value: Nested): Tensor {
  const shape: number[] = [];
  for (let level: Nested = value; typeof level !== 'number'; level = level[0]) shape.push(level.length);
  return tensor(shape, [value].flat(9) as number[], 'F64');
}

function denseLayers({ weights, post }: Vector): readonly Dense[] {
  if (post) return post;
  const [row] = weights['dense.weight'] as number[][];
  return [{ kernel: row.map((value) => [value]), bias: weights['dense.bias'] as number[], act: '' }];
}

// More than any output here: relu(y + LIFT) is then y + LIFT.
const LIFT = 8;

/** A dense layer with one output is an RNN that forgets: no weight on h, and relu where it cannot cut. */
function denseAsRnn(
  { kernel, bias, act }: Dense,
  rows: number[][],
  target: readonly number[],
  tolerance: object | undefined,
) {
  if (act !== '') throw new Error(`the last dense layer has ${act}`);
  return {
    case: { module: 'RNN', nonlinearity: 'relu', tolerance },
    weight_ih_l0: [kernel.map(([value]) => value)],
    weight_hh_l0: [[0]],
    bias_ih_l0: [bias[0] + LIFT],
    bias_hh_l0: [0],
    input: rows,
    output: target.map((value) => [value + LIFT]),
  };
}
