// Times forward passes by onnxruntime-node on demand, with the protocol of torch_passes.py. In float32 only: its
// recurrent operators have no other dtype.
import { readFileSync } from 'node:fs';
import readline from 'node:readline';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readTensors } from '../../dist/src/index.js';

/** @type {{ sessions: Map<number, InferenceSession>, x: Tensor, folder: string }} */
let state;

/** @param {any} order */
async function answer(order) {
  if (order.prepare) {
    const file = `${order.folder}/tensors.safetensors`;
    const input = readTensors(readFileSync(file), file).load(['input']).get('input');
    if (!input) throw new Error(`${file} has no input`);
    const x = new Tensor('float32', Float32Array.from(input.data), [...input.shape]);
    state = { sessions: new Map(), x, folder: order.folder };
    return {};
  }
  const { sessions, x, folder } = state;
  const threads = order.run;
  let session = sessions.get(threads);
  if (!session) {
    const options = { intraOpNumThreads: threads, interOpNumThreads: 1 };
    session = await InferenceSession.create(`${folder}/model.onnx`, options);
    sessions.set(threads, session);
  }
  const started = performance.now();
  const outputs = await session.run({ x });
  const milliseconds = performance.now() - started;
  const [output] = Object.values(outputs);
  const values = /** @type {Float32Array} */ (output.data);
  return { milliseconds, sum: values.reduce((a, b) => a + b, 0) };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
