// Runs forward passes by cellcheck. Without an argument: times one for each shape that a JSON line on stdin gives. With
// a file: runs one of the shape in the file, so that the caller can measure the memory of this process.
import { readFileSync } from 'node:fs';
import readline from 'node:readline';
import { forward, stateDict, tensor } from '../../dist/src/index.js';

let state = 1;
/** @param {number[]} shape */
function numbers(...shape) {
  const values = new Float32Array(shape.reduce((a, b) => a * b));
  for (let i = 0; i < values.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = (state / 2 ** 31) * 0.1;
  }
  return tensor(shape, values);
}

/** @param {{ input: number, hidden: number, steps: number, batch: number }} shape */
async function run({ input, hidden, steps, batch }) {
  const weights = stateDict({
    weight_ih_l0: numbers(4 * hidden, input),
    weight_hh_l0: numbers(4 * hidden, hidden),
    bias_ih_l0: numbers(4 * hidden),
    bias_hh_l0: numbers(4 * hidden),
  });
  const inputs = { input: numbers(steps, batch, input) };
  const started = performance.now();
  await forward(weights, inputs, { speed: { kernels: 'relaxed' } });
  return performance.now() - started;
}

if (process.argv[2]) await run(JSON.parse(readFileSync(process.argv[2], 'utf8')));
else {
  for await (const line of readline.createInterface({ input: process.stdin }))
    console.log(JSON.stringify({ milliseconds: await run(JSON.parse(line).shape) }));
}
