import { fileURLToPath } from 'node:url';
import { NODE20_FLAGS, NODE24_FLAGS } from './flags.js';
import { median } from './statistics.js';

/**
 * @typedef {object} Pass
 * @property {string} kind
 * @property {number} input
 * @property {number} hidden
 * @property {number} layers
 * @property {number} steps
 * @property {number} batch
 */

/** @type {(kind: string, input: number, hidden: number, layers: number, steps: number, batch: number) => Pass} */
export const pass = (kind, input, hidden, layers, steps, batch) => ({
  kind,
  input,
  hidden,
  layers,
  steps,
  batch,
});

export const PASSES = [
  pass('LSTM', 64, 128, 1, 200, 1),
  pass('LSTM', 256, 512, 1, 200, 1),
  pass('LSTM', 512, 1024, 2, 200, 1),
  pass('LSTM', 256, 512, 1, 200, 16),
  pass('LSTM', 512, 1024, 2, 100, 32),
  ...['GRU', 'RNN'].flatMap((kind) => [
    pass(kind, 64, 128, 1, 200, 1),
    pass(kind, 256, 512, 1, 200, 1),
    pass(kind, 256, 512, 1, 200, 16),
  ]),
];

// In its turn a contender repeats a short pass until TURN_MS have passed, MOST_A_TURN times at most; the median counts.
const TURN_MS = 60;
const MOST_A_TURN = 25;

/**
 * Measures forward passes: milliseconds of each contender, and ratios to PyTorch's time in the same round.
 * @param {import('./run.js').Bench} bench
 */
export async function passes(bench) {
  /** @param {string} name */
  const contender = (name) => fileURLToPath(new URL(`contenders/${name}`, import.meta.url));
  const ours = contender('cellcheck-passes.js');
  const contenders = {
    torch: bench.start(bench.python, [contender('torch_passes.py')]),
    onnxruntime: bench.start(bench.node20, [contender('onnx-passes.js')]),
    node20: bench.start(bench.node20, [...NODE20_FLAGS, ours]),
    node24: bench.start(bench.node24, [...NODE24_FLAGS, ours]),
  };
  const results = [];
  for (const dtype of ['float32', 'float64']) {
    for (const shape of PASSES) {
      for (const ask of Object.values(contenders))
        await ask({ prepare: { ...shape, dtype }, folder: bench.folder });
      const taking = Object.entries(contenders).filter(
        ([name]) => dtype === 'float32' || name !== 'onnxruntime',
      );
      for (const threads of [1, 2]) {
        /** @type {Record<string, number[]>} */
        const turns = {};
        /** @type {Record<string, number>} */
        const sums = {};
        for (let round = -1; round < bench.rounds; round++) {
          for (const [name, ask] of taking) {
            const times = [];
            while (times.length < MOST_A_TURN && times.reduce((a, b) => a + b, 0) < TURN_MS) {
              const { milliseconds, sum } = await ask({ run: threads });
              times.push(milliseconds);
              sums[name] = sum;
            }
            // The first round is a warm-up.
            if (round < 0) turns[name] = [];
            else turns[name].push(median(times));
          }
        }
        for (const [name, sum] of Object.entries(sums))
          if (!(Math.abs(sum - sums.torch) < 0.05))
            throw new Error(`${name} computes something else: ${sum}, ${sums.torch}`);
        const milliseconds = Object.fromEntries(
          Object.entries(turns).map(([name, all]) => [name, median(all)]),
        );
        const ratios = Object.fromEntries(
          Object.entries(turns).map(([name, all]) => [
            name,
            median(all.map((time, i) => time / turns.torch[i])),
          ]),
        );
        results.push({ ...shape, dtype, threads, milliseconds, ratios });
        console.error(
          shape.kind,
          `${shape.input}/${shape.hidden} L${shape.layers} T${shape.steps} B${shape.batch}`,
          dtype,
          threads,
          Object.entries(ratios)
            .map(([name, ratio]) => `${name} ${milliseconds[name].toFixed(2)} ms (${ratio.toFixed(2)})`)
            .join('  '),
        );
      }
    }
  }
  return results;
}
