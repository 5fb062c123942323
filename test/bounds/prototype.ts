import { expect } from 'vitest';
import { envelope, type Spread } from '../../src/bounds/envelope.js';
import { PROFILES, type ProfileName } from '../../src/bounds/profiles.js';
import type { KernelName } from '../../src/engine/options.js';
import { KINDS, type Kind } from '../../src/kinds.js';
import type { Network, Sequence } from '../../src/module/bind.js';

type Nested = number | string | boolean | Nested[];
type Weights = Record<'W_ih' | 'W_hh' | 'b_ih' | 'b_hh' | 'W_hr', Nested | undefined>;
interface OracleCase {
  kind: string;
  layers: Weights[][];
  x: Nested[][][];
  h0?: Nested;
  c0?: Nested;
  lengths?: number[];
  profile: ProfileName;
  reference: Nested;
}
type Results = Record<string, Record<string, Nested>>;

const flat = (nested: Nested): number[] =>
  (Array.isArray(nested) ? nested.flat(9) : [nested]).map((value) => Number(value));
const floats = (nested: Nested | undefined | null) =>
  nested === undefined || nested === null ? undefined : Float64Array.from(flat(nested));

function networkOf({ kind: name, layers, x }: OracleCase): Network {
  const kind = name.split('_')[0] as Kind;
  const [{ W_hh, W_hr, b_ih }] = layers[0];
  const rows = (W_hh as Nested[]).length;
  const hidden_size = rows / KINDS[kind].gates.length;
  return {
    module: {
      kind,
      cell: false,
      nonlinearity: name === 'RNN_RELU' ? 'relu' : 'tanh',
      prefix: '',
      input_size: x[0][0].length,
      hidden_size,
      proj_size: W_hr ? (W_hr as Nested[]).length : 0,
      num_layers: layers.length,
      bidirectional: layers[0].length > 1,
      bias: b_ih !== undefined,
    },
    layers: layers.map((perDirection) =>
      perDirection.map((weights) => ({
        weightIh: floats(weights.W_ih)!,
        weightHh: floats(weights.W_hh)!,
        biasIh: floats(weights.b_ih),
        biasHh: floats(weights.b_hh),
        weightHr: floats(weights.W_hr),
      })),
    ),
  };
}

/** The largest relative difference of two arrays; infinite where a value that is not finite differs from the other. */
function apart(actual: ArrayLike<number>, expected: Nested, least: number): number {
  const values = flat(expected);
  expect(actual.length).toBe(values.length);
  let worst = 0;
  for (const [i, value] of values.entries()) {
    if (Object.is(actual[i], value) || actual[i] === value) continue;
    const relative = Math.abs(actual[i] - value) / Math.max(Math.abs(value), least);
    worst = Number.isNaN(relative) ? Number.POSITIVE_INFINITY : Math.max(worst, relative);
  }
  return worst;
}

/** A random network with the envelope that the numpy prototype computes (test/oracles/envelope.py). */
export interface PrototypeCase {
  readonly case: OracleCase;
  readonly results: Results;
}

/** How far the envelope of a tensor is from the prototype's. */
interface Apart {
  readonly model: 'likely' | 'worst';
  /** Largest relative difference of the errors. */
  readonly errors: number;
  /** Largest difference of the values. In a chaotic free-running pass they differ because sums are added in another order. */
  readonly values: number;
}

/** Expects the prototype's envelope of a case, free-running and from the reference, as deviations and as bounds. */
export function expectPrototype(
  { case: one, results }: PrototypeCase,
  place: string,
  kernels: KernelName,
): Apart[] {
  const network = networkOf(one);
  const { x, lengths } = one;
  const sequence: Sequence = {
    steps: x.length,
    batch: x[0].length,
    input: floats(x)!,
    h0: floats(one.h0),
    c0: floats(one.c0),
    lengths,
  };
  const forced = network.layers.map((_, layer) =>
    layer === network.layers.length - 1 ? { values: floats(one.reference)! } : undefined,
  );
  const compared: Apart[] = [];
  for (const [name, expected] of Object.entries(results)) {
    const [mode, model] = name.split(' ') as ['free' | 'teacher-forced', 'likely' | 'worst'];
    const result = envelope(network, sequence, {
      // The prototype does not store products before it adds biases.
      profile: { ...PROFILES[one.profile], parts: 0 },
      model,
      known: mode === 'free' ? [] : forced,
      speed: { kernels },
    });
    const hold = (key: string, spread: Spread) => {
      const error = expected[key === 'y' ? 'error' : `${key}_error`];
      const undecided = expected[key === 'y' ? 'undecided' : `${key}_undecided`];
      const what = `${place} ${one.kind} ${name} ${key} ${one.profile}`;
      expect([...spread.undecided], what).toEqual(flat(undecided));
      const errors = apart(spread.error, error, 1e-300);
      const values = apart(spread.values, expected[key], 1);
      expect(errors, what).toBeLessThan(1e-9 + 1e4 * values);
      compared.push({ model, errors, values });
    };
    hold('y', result.layers.at(-1)!);
    hold('h_n', result.h_n);
    if (result.c_n) hold('c_n', result.c_n);
  }
  return compared;
}
