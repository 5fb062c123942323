// Times forward passes by cellcheck on demand, with the protocol of torch_passes.py. Both versions of Node run it, with
// the flags of V8 that the command line sets. Only the pass is timed; reading files and comparing are measured in
// processes.js.
import { readFileSync } from 'node:fs';
import readline from 'node:readline';
import { readTensors } from '../../dist/src/index.js';
import { bind } from '../../dist/src/module/bind.js';
import { caseOf } from '../../dist/src/module/case.js';
import { describeModule } from '../../dist/src/module/describe.js';
import { forwardInThreads } from '../../dist/src/threads/forward.js';

const wide = process.execArgv.includes('--experimental-wasm-revectorize');
/** @type {'wide' | 'relaxed'} */
const kernels = wide ? 'wide' : 'relaxed';
/** @type {{ bound: ReturnType<typeof bind>, compute: 'float32' | 'float64' }} */
let state;

/** @param {any} order */
async function answer(order) {
  if (order.prepare) {
    const file = `${order.folder}/tensors.safetensors`;
    const tensors = readTensors(readFileSync(file), file);
    const input = /** @type {import('../../dist/src/index.js').Tensor} */ (
      tensors.load(['input']).get('input')
    );
    const bound = bind(describeModule(tensors.specs, {}), caseOf(tensors, { input }), false);
    state = { bound, compute: order.prepare.dtype };
    return {};
  }
  const { bound, compute } = state;
  const started = performance.now();
  const speed = { kernels, threads: order.run };
  const { output } = await forwardInThreads(bound.network, bound.sequence, { compute, speed });
  const milliseconds = performance.now() - started;
  let sum = 0;
  for (const value of output) sum += value;
  return { milliseconds, sum };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
