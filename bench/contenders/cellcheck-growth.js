// Runs forward passes by cellcheck, or whole verdicts by the default rule. Without an argument: times one for each shape that
// a JSON line on stdin gives. With a file: runs a pass of the shape in the file, so that the caller can measure the memory of
// this process.
import { readFileSync } from 'node:fs';
import readline from 'node:readline';
import { caseOf, forward, stateDict, tensor, verify } from '../../dist/src/index.js';

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

/** @param {{ input: number, hidden: number, steps: number, batch: number, isVerdict?: boolean }} shape */
async function run({ input, hidden, steps, batch, isVerdict = false }) {
  const weights = stateDict({
    weight_ih_l0: numbers(4 * hidden, input),
    weight_hh_l0: numbers(4 * hidden, hidden),
    bias_ih_l0: numbers(4 * hidden),
    bias_hh_l0: numbers(4 * hidden),
  });
  const inputs = { input: numbers(steps, batch, input) };
  /** @type {{ kernels: 'relaxed' }} */
  const speed = { kernels: 'relaxed' };
  const started = performance.now();
  const { output } = await forward(weights, inputs, { speed });
  if (!isVerdict) return performance.now() - started;
  const expected = tensor([steps, batch, hidden], Float32Array.from(/** @type {any} */ (output).data));
  const loaded = caseOf(weights, { ...inputs, output: expected });
  const again = performance.now();
  const { verdict } = await verify(loaded, { batch_first: false, speed });
  if (verdict !== 'parity') throw new Error(`the verdict is ${verdict}`);
  return performance.now() - again;
}

if (process.argv[2]) await run(JSON.parse(readFileSync(process.argv[2], 'utf8')));
else {
  for await (const line of readline.createInterface({ input: process.stdin }))
    console.log(JSON.stringify({ milliseconds: await run(JSON.parse(line).shape) }));
}
