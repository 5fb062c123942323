// Measures how long judging by rounding and finding a cause take, and how often a single wrong weight is named:
//
//     npm run build && node bench/diagnosis.js [--runs 80] [--seed 1]
//
// References of the last part are PyTorch's. docs/numerics.md has the tables.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { caseOf, diagnose, forward, readTensors, stateDict, tensor, verify } from '../dist/src/index.js';
import { pythonWithTorch } from '../test/live/python.js';
import { median } from './statistics.js';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '80' }, seed: { type: 'string', default: '1' } },
});
const ROUNDS = 7;
const GATES = { RNN: 1, GRU: 3, LSTM: 4 };
const KINDS = /** @type {const} */ (['RNN', 'GRU', 'LSTM']);
const SIZES = [
  { input: 16, hidden: 64, steps: 100, batch: 4 },
  { input: 64, hidden: 256, steps: 100, batch: 4 },
  { input: 256, hidden: 512, steps: 200, batch: 16 },
];

/** Pseudo-random numbers from 0 to 1; the same ones for the same seed. */
let state = Number(values.seed);
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/**
 * @param {number[]} shape
 * @param {number} scale
 */
const drawn = (shape, scale) =>
  tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => scale * (2 * random() - 1)),
  );

/**
 * @param {keyof typeof GATES} kind
 * @param {{ input: number, hidden: number, steps: number, batch: number }} size
 */
function drawnModule(kind, { input, hidden, steps, batch }) {
  const rows = GATES[kind] * hidden;
  const scale = 1 / Math.sqrt(hidden);
  const weights = {
    weight_ih_l0: drawn([rows, input], scale),
    weight_hh_l0: drawn([rows, hidden], scale),
    bias_ih_l0: drawn([rows], scale),
    bias_hh_l0: drawn([rows], scale),
  };
  return { weights, input: drawn([steps, batch, input], 1), h_0: drawn([1, batch, hidden], 0.5) };
}

/** @param {{ weights: Record<string, import('../dist/src/index.js').Tensor>, input: import('../dist/src/index.js').Tensor }} drawn */
async function outputOf({ weights, input }) {
  const { output } = await forward(stateDict(weights), { input });
  return tensor(/** @type {any} */ (output).shape, Float32Array.from(/** @type {any} */ (output).data));
}

/** @param {() => Promise<unknown>} run */
async function milliseconds(run) {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

console.log('judging by rounding: milliseconds, and times a forward pass');
const costs = [];
for (const size of SIZES) {
  for (const kind of KINDS) {
    const one = drawnModule(kind, size);
    const weights = stateDict(one.weights);
    const output = await outputOf(one);
    const judged = caseOf(weights, { input: one.input, output }, { batch_first: false });
    /** @type {{ pass: number[], verify: number[] }} */
    const times = { pass: [], verify: [] };
    for (let round = 0; round < ROUNDS; round++) {
      times.pass.push(await milliseconds(() => forward(weights, { input: one.input })));
      times.verify.push(await milliseconds(() => verify(judged)));
    }
    const [pass, all] = [median(times.pass), median(times.verify)];
    costs.push({
      module: `${kind} ${size.input} → ${size.hidden}, ${size.steps} steps × ${size.batch}`,
      forward: Number(pass.toFixed(1)),
      verify: Number(all.toFixed(1)),
      times: Number((all / pass).toFixed(1)),
    });
  }
}
console.table(costs);

console.log('finding a cause, 64 units, 100 steps: milliseconds');
const searches = [];
for (const batch of [1, 4]) {
  for (const kind of KINDS) {
    const size = { ...SIZES[0], batch };
    const one = drawnModule(kind, size);
    const output = await outputOf(one);
    const { input } = one;
    const { bias_hh_l0, ...others } = one.weights;
    const forgotten = { ...others, bias_hh_l0: drawn([...bias_hh_l0.shape], 0) };
    const cases = {
      'one convention': { weights: one.weights, output: await outputOf({ weights: forgotten, input }) },
      'nothing fits': { weights: drawnModule(kind, size).weights, output },
    };
    for (const [cause, { weights, output }] of Object.entries(cases)) {
      const times = [];
      for (let round = 0; round < 3; round++)
        times.push(await milliseconds(() => diagnose(caseOf(stateDict(weights), { input, output }))));
      searches.push({ module: `${kind} × ${batch}`, cause, milliseconds: Math.round(median(times)) });
    }
  }
}
console.table(searches);

const python = pythonWithTorch();
const script = fileURLToPath(new URL('contenders/rounding_references.py', import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-diagnosis-'));
const argv = [script, folder, values.seed, values.runs, 'weights'];
const lines = execFileSync(python, argv, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  .trim()
  .split('\n');
/** @type {Record<string, Record<string, number>>} */
const named = {};
for (const line of lines) {
  const spec = JSON.parse(line);
  const file = readTensors(fs.readFileSync(spec.file), spec.file);
  const {
    input,
    h_0,
    c_0,
    output,
    h_n: _,
    c_n: __,
    ...weights
  } = Object.fromEntries(file.load([...file.specs.keys()]));
  const names = Object.keys(weights);
  const name = names[Math.floor(random() * names.length)];
  const at = Math.floor(random() * weights[name].data.length);
  for (const size of [1e-5, 1e-4, 1e-3, 1e-2]) {
    const data = weights[name].data.slice();
    data[at] = Math.fround(data[at] * (1 + size));
    const changed = stateDict({ ...weights, [name]: { ...weights[name], data } });
    const one = caseOf(changed, { input, h_0, c_0, output }, { batch_first: false });
    const { comparison, cause } = await diagnose(one, { profile: 'torch' });
    const row = `${spec.kind} ${spec.hidden}`;
    named[row] ??= { runs: 0 };
    if (size === 1e-5) named[row].runs++;
    named[row][`found ${size}`] ??= 0;
    named[row][`named ${size}`] ??= 0;
    if (comparison.verdict === 'differs') named[row][`found ${size}`]++;
    const [weight] = cause?.kind === 'weights' ? cause.weights : [];
    const columns = weights[name].shape[1] ?? 1;
    const right =
      weight?.tensors.includes(name) &&
      weight.row === Math.floor(at / columns) &&
      (weight.column ?? 0) === at % columns;
    if (right) named[row][`named ${size}`]++;
  }
}
console.log(
  'one weight × (1 + ε), one layer, 100 steps × 1: runs in which it is found, and in which it is named',
);
console.table(named);
fs.rmSync(folder, { recursive: true });
