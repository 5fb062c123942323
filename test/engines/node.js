// ONNX Runtime and TensorFlow.js in Node, for ports.py: reads a module a line as JSON, and answers with its outputs.
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import readline from 'node:readline';

const [name, folder] = process.argv.slice(2);
const require = createRequire(path.join(folder, 'from-here.js'));

/** @typedef {{ data: number[], shape: number[] }} Values */

/** Sessions of ONNX models, one a layer. */
async function onnx(/** @type {string} */ library) {
  const ort = require(library);
  if (ort.env.wasm) ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'fatal';
  return async (/** @type {any} */ { models, feeds }) => {
    const answers = [];
    let x = feeds[0].X;
    for (const [k, model] of models.entries()) {
      const session = await ort.InferenceSession.create(new Uint8Array(Buffer.from(model, 'base64')), {
        logSeverityLevel: 4,
      });
      const given = { ...feeds[k], X: x };
      const tensors = Object.fromEntries(
        Object.entries(given).map(([key, { data, shape }]) => [
          key,
          new ort.Tensor('float32', Float32Array.from(data), shape),
        ]),
      );
      const { Y, Yh, Yc } = await session.run(tensors);
      const plain = (/** @type {any} */ t) => t && { data: [...t.data], shape: [...t.dims] };
      answers.push({ Y: plain(Y), Yh: plain(Yh), Yc: plain(Yc) });
      // [steps, ways, batch, hidden] as the next layer's [steps, batch, ways·hidden].
      const [steps, ways, batch, hidden] = Y.dims;
      const next = new Float32Array(Y.data.length);
      for (let t = 0; t < steps; t++)
        for (let d = 0; d < ways; d++)
          for (let b = 0; b < batch; b++)
            for (let j = 0; j < hidden; j++)
              next[((t * batch + b) * ways + d) * hidden + j] =
                Y.data[((t * ways + d) * batch + b) * hidden + j];
      x = { data: next, shape: [steps, batch, ways * hidden] };
      await session.release?.();
    }
    return answers;
  };
}

/** The cells' equations in TensorFlow.js. */
async function tensorflow(/** @type {string} */ backend) {
  const library = (/** @type {string} */ part) => require(`@tensorflow/tfjs-${part}`);
  const [tf, found] = [library('core'), library(`backend-${backend}`)];
  found.setWasmPaths?.(`${path.join(folder, 'node_modules/@tensorflow/tfjs-backend-wasm/dist')}/`);
  await tf.setBackend(backend);
  await tf.ready();
  return async (/** @type {any} */ { kind, nonlinearity, hidden_size, weights, x, h, c }) =>
    tf.tidy(() => {
      const of = (/** @type {Values} */ { data, shape }) => tf.tensor(data, shape, 'float32');
      const [w, r, bw, br] = weights.map(of);
      const part = (/** @type {any} */ a, /** @type {number} */ k) =>
        tf.slice(a, [0, k * hidden_size], [a.shape[0], hidden_size]);
      let [state, cell] = [of(h), of(c)];
      const ys = [];
      for (const step of tf.unstack(of(x))) {
        const i = tf.add(tf.matMul(step, w, false, true), bw);
        const j = tf.add(tf.matMul(state, r, false, true), br);
        if (kind === 'RNN') {
          state = nonlinearity === 'relu' ? tf.relu(tf.add(i, j)) : tf.tanh(tf.add(i, j));
        } else if (kind === 'GRU') {
          const reset = tf.sigmoid(tf.add(part(i, 0), part(j, 0)));
          const z = tf.sigmoid(tf.add(part(i, 1), part(j, 1)));
          const n = tf.tanh(tf.add(part(i, 2), tf.mul(reset, part(j, 2))));
          state = tf.add(tf.mul(tf.sub(1, z), n), tf.mul(z, state));
        } else {
          const a = tf.add(i, j);
          const gate = (/** @type {number} */ k) => tf.sigmoid(part(a, k));
          cell = tf.add(tf.mul(gate(1), cell), tf.mul(gate(0), tf.tanh(part(a, 2))));
          state = tf.mul(gate(3), tf.tanh(cell));
        }
        ys.push(state);
      }
      const plain = (/** @type {any} */ t) => ({ data: [...t.dataSync()], shape: t.shape });
      return { y: plain(tf.stack(ys)), h: plain(state), c: plain(cell) };
    });
}

const answer = await (name.startsWith('onnxruntime') ? onnx : tensorflow)(name);
for await (const line of readline.createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
