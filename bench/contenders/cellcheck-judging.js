// Times, by cellcheck on demand, a forward pass and a whole verdict by the default rule: a JSON line in, a JSON line out. Both
// versions of Node run it, with the flags of V8 that the command line sets. Reading the file and printing are not timed.
//
//     {"load": file}, then {"run": threads} → {"forward", "verdict"} in milliseconds
import { readFileSync } from 'node:fs';
import readline from 'node:readline';
import { caseOf, readTensors, stateDict, verify } from '../../dist/src/index.js';
import { bind } from '../../dist/src/module/bind.js';
import { describeModule } from '../../dist/src/module/describe.js';
import { forwardInThreads } from '../../dist/src/threads/forward.js';

const wide = process.execArgv.includes('--experimental-wasm-revectorize');
/** @type {{ loaded: ReturnType<typeof caseOf>, bound: ReturnType<typeof bind> }} */
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
    const tensors = file.load([...file.specs.keys()]);
    const { input, output, ...weights } = Object.fromEntries(tensors);
    const loaded = caseOf(stateDict(weights), { input, output });
    const bound = bind(describeModule(loaded.weights.specs, {}), loaded, false);
    state = { loaded, bound };
    return {};
  }
  const { loaded, bound } = state;
  const speed = { threads: order.run, wide };
  const forward = await milliseconds(() => forwardInThreads(bound.network, bound.sequence, { speed }));
  const verdict = await milliseconds(async () => {
    const { verdict } = await verify(loaded, { batch_first: false, speed });
    if (verdict !== 'parity') throw new Error(`the verdict is ${verdict}`);
  });
  return { forward, verdict };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
