import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { caseOf, readTensors, stateDict, verify } from '../../dist/src/index.js';

/** What onnx, onnxruntime and their companions are pinned to; PyTorch and numpy are those of the live comparison. */
export const ONNX = ['onnxruntime==1.32.0'];
export const OTHERS = [
  'openvino==2026.4.1',
  'jax==0.10.2',
  'flax==0.12.8',
  'equinox==0.13.8',
  'tensorflow-cpu==2.21.0',
  'ai-edge-litert==2.3.0',
];
export const NODE = [
  'onnxruntime-node@1.30.0',
  'onnxruntime-web@1.30.0',
  '@tensorflow/tfjs-core@4.22.0',
  '@tensorflow/tfjs-backend-cpu@4.22.0',
  '@tensorflow/tfjs-backend-wasm@4.22.0',
];

const folder = fileURLToPath(new URL('.', import.meta.url));

/**
 * The lines that a script of this folder prints.
 * @param {string} python
 * @param {string} script
 * @param {readonly string[]} argv
 */
export function lines(python, script, argv) {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '' };
  /** @type {import('node:child_process').ExecFileSyncOptionsWithStringEncoding} */
  const options = {
    cwd: folder,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  };
  return execFileSync(python, [script, ...argv], options)
    .split('\n')
    .filter((line) => line);
}

/**
 * Ports by other runtimes, one by one.
 * @param {string} python
 * @param {string} script ports.py or stacks.py
 * @param {readonly string[]} argv
 */
export function* ports(python, script, argv) {
  for (const line of lines(python, script, argv)) {
    const spec = JSON.parse(line);
    const file = readTensors(fs.readFileSync(spec.file), spec.file);
    const tensors = Object.fromEntries(file.load([...file.specs.keys()]));
    fs.rmSync(spec.file);
    yield { spec, tensors };
  }
}

/**
 * A port as a case.
 * @param {any} spec
 * @param {Record<string, any>} tensors
 */
export function caseOfPort(spec, tensors) {
  const { input, h_0, c_0, output, h_n, c_n, ...rest } = tensors;
  const entries = Object.entries(rest);
  const isLayer = (/** @type {string} */ name) => name.startsWith('output_l');
  const layers = Object.fromEntries(entries.filter(([name]) => isLayer(name)));
  const weights = Object.fromEntries(entries.filter(([name]) => !isLayer(name)));
  return caseOf(
    stateDict(weights),
    { input, h_0, c_0, output, h_n, c_n, ...layers },
    { batch_first: false, ...(spec.kind === 'RNN' && { nonlinearity: spec.nonlinearity }) },
  );
}

/**
 * The verdict on a port.
 * @param {any} spec
 * @param {Record<string, any>} tensors
 * @param {{ change?: number, random?: () => number, explain?: boolean }} [options] `change`: one weight of the checkpoint,
 *   drawn at random, × (1 + change)
 */
export function judged(spec, tensors, { change = 0, random = Math.random, explain = false } = {}) {
  const changed = { ...tensors };
  if (change) {
    const names = Object.keys(tensors).filter((name) => /^(weight|bias)_/.test(name));
    const name = names[Math.floor(random() * names.length)];
    const data = tensors[name].data.slice();
    const at = Math.floor(random() * data.length);
    data[at] = Math.fround(data[at] * (1 + change));
    changed[name] = { ...tensors[name], data };
  }
  return verify(caseOfPort(spec, changed), { rule: 'auto', explain });
}

/**
 * Numbers from 0 to 1, the same for the same seed.
 * @param {number} seed
 */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
