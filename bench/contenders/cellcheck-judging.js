// Times, by cellcheck on demand, a forward pass and a whole verdict by the default rule: a JSON line in, a JSON line out. Both
// versions of Node run it, with the flags of V8 that the command line sets. Reading the file and printing are not timed.
//
//     {"load": file}, then {"run": threads} → {"forward", "verdict"} in milliseconds
//
// With "changed" beside "load", a value of the output or a weight is not as it was; then the cause is looked for as well.
import { readFileSync } from 'node:fs';
import readline from 'node:readline';
import { caseOf, readTensors, stateDict, verify } from '../../dist/src/index.js';
import { bind } from '../../dist/src/module/bind.js';
import { describeModule } from '../../dist/src/module/describe.js';
import { forwardInThreads } from '../../dist/src/threads/forward.js';

/** @type {Record<string, { name: string, at: number, change: (value: number) => number }>} */
const CHANGES = {
  value: { name: 'output', at: 0.52, change: (value) => value + 1e-3 },
  weight: { name: 'weight_hh_l0', at: 0.31, change: (value) => 1.5 * value },
};

const wide = process.execArgv.includes('--experimental-wasm-revectorize');
/** @type {{ loaded: ReturnType<typeof caseOf>, bound: ReturnType<typeof bind>, expected: string }} */
let state;

/** @param {() => Promise<unknown>} work */
async function milliseconds(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** @param {any} order */
async function answer(order) {
  if (order.load) {
    const file = readTensors(readFileSync(order.load), order.load);
    const tensors = new Map(file.load([...file.specs.keys()]));
    const changed = CHANGES[order.changed];
    if (changed) {
      const { name, at, change } = changed;
      const whole = tensors.get(name);
      if (!whole) throw new Error(`there is no ${name}`);
      const i = Math.floor(whole.data.length * at);
      tensors.set(name, { ...whole, data: whole.data.with(i, change(whole.data[i])) });
    }
    const { input, output, ...weights } = Object.fromEntries(tensors);
    const loaded = caseOf(stateDict(weights), { input, output });
    const bound = bind(describeModule(loaded.weights.specs, {}), loaded, false);
    state = { loaded, bound, expected: changed ? 'differs' : 'parity' };
    return {};
  }
  const { loaded, bound, expected } = state;
  const speed = { threads: order.run, wide };
  /** @type {import('../../dist/src/engine/options.js').KernelName} */
  let kernels = 'plain';
  const verdict = await milliseconds(async () => {
    const explain = expected === 'differs';
    const comparison = await verify(loaded, { batch_first: false, speed, explain });
    if (comparison.verdict !== expected) throw new Error(`the verdict is ${comparison.verdict}`);
    kernels = comparison.kernels.name;
  });
  // The pass that is in the verdict: for a short one alone other kernels would be chosen, which take longer.
  const forward = await milliseconds(() =>
    forwardInThreads(bound.network, bound.sequence, { speed: { ...speed, kernels } }),
  );
  return { forward, verdict };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
