import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { KINDS, type Kind } from '../../src/kinds.js';
import { localise } from '../../src/one-weight/localise.js';
import { pythonWithTorch } from '../live/python.js';

const COUNT = 200;
const SEED = process.env.LIVE_SEED ?? String(Date.now() % 1_000_000);

type Nested = number | Nested[];
interface OracleLayer {
  readonly kind: string;
  readonly weights: Nested[][];
  readonly x: Nested[][][];
  readonly h0: Nested;
  readonly c0: Nested;
  readonly expected: Nested;
  readonly sigma: Nested;
  readonly total: number;
  readonly best: readonly (readonly number[])[];
}

const floats = (nested: Nested) => Float64Array.from([nested].flat(9) as number[]);
/** The gates of the prototype's parts, in its order. */
const PARTS: Readonly<Record<Kind, readonly string[]>> = {
  RNN: ['h'],
  GRU: ['r', 'z', 'n', 'n'],
  LSTM: ['i', 'f', 'g', 'o'],
};

test(`the regression is the prototype's over ${COUNT} layers`, () => {
  console.log(`LIVE_SEED=${SEED}`);
  const argv = [
    path.join(import.meta.dirname, 'localise.py'),
    process.env.CELLCHECK_ORACLES!,
    String(COUNT),
    SEED,
  ];
  const text = execFileSync(pythonWithTorch(), argv, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  // The rounding of float64, about 1e-16, is 1e-9 of a standard deviation.
  const near = (actual: number, expected: number, what: string, unit = 0) =>
    expect(Math.abs(actual - expected), what).toBeLessThanOrEqual(1e-9 * (Math.abs(expected) + unit));
  let compared = 0;
  let same = 0;
  for (const line of text.trim().split('\n')) {
    const layer = JSON.parse(line) as OracleLayer;
    const kind = layer.kind.split('_')[0] as Kind;
    const [weightIh, weightHh, biasIh, biasHh] = layer.weights.map(floats);
    const hidden_size = biasIh.length / KINDS[kind].gates.length;
    const input_size = weightIh.length / biasIh.length;
    const { total, suspects } = localise({
      module: {
        kind,
        cell: false,
        nonlinearity: layer.kind === 'RNN_RELU' ? 'relu' : 'tanh',
        prefix: '',
        input_size,
        hidden_size,
        proj_size: 0,
        num_layers: 1,
        bidirectional: false,
        bias: true,
      },
      parameters: { weightIh, weightHh, biasIh, biasHh },
      reverse: false,
      steps: layer.x.length,
      batch: layer.x[0].length,
      input: floats(layer.x),
      input_size,
      h0: floats(layer.h0),
      c0: floats(layer.c0),
      expected: floats(layer.expected),
      sigma: floats(layer.sigma),
    });
    near(total, layer.total, 'total', 10);
    expect(suspects.length).toBe(layer.best.length);
    for (const [explained, part, unit, feature, change, deviation] of layer.best) {
      const what = `${layer.kind} ${layer.x.length} steps, part ${part}`;
      const gate = PARTS[kind][part];
      // A GRU's n has two parts: that of x, then that of h.
      const half = kind === 'GRU' && part >= 2 ? (part === 2 ? '_ih' : '_hh') : '';
      const suspect = suspects.find((one) => one.gate === gate && one.tensor.endsWith(half))!;
      near(suspect.explained, explained, what, 10);
      compared++;
      const columns = [...Array(input_size).keys(), undefined, ...Array(hidden_size).keys(), undefined];
      // Other weights may explain the same: if a relu unit is positive at one step only, all its weights do.
      if (suspect.unit !== unit || suspect.column !== columns[feature]) continue;
      same++;
      near(suspect.change, change, what, 10 * deviation);
      near(suspect.deviation, deviation, what);
    }
  }
  expect(same).toBeGreaterThan(0.97 * compared);
  expect(compared).toBeGreaterThan(COUNT);
}, 600_000);
