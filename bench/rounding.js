// Measures how often the automatic rule calls rounding a fault, and how small a fault it finds:
//
//     node bench/rounding.js [--cases 600] [--runs 800] [--seed 1]
//
// First verifies correct references of PyTorch (oneDNN on and off) and ONNX Runtime; then references for which one
// random weight is multiplied by 1 + ε. docs/numerics.md has the tables.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { caseOf, readTensors, stateDict, verify } from '../dist/src/index.js';
import { pythonWith } from '../test/live/python.js';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '600' },
    runs: { type: 'string', default: '800' },
    seed: { type: 'string', default: '1' },
  },
});
const CHUNK = 50;
const FAULTS = [0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2];
const TOLERANCE = { rtol: 1.3e-6, atol: 1e-5 };

const python = pythonWith(['onnx==1.23.2', 'onnxruntime==1.32.0']);
const script = fileURLToPath(new URL('contenders/rounding_references.py', import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-rounding-'));

/**
 * @param {'runtimes' | 'faults'} set
 * @param {number} count
 */
function* references(set, count) {
  for (let first = 0; first < count; first += CHUNK) {
    const argv = [
      script,
      folder,
      Number(values.seed) * 1000 + first,
      Math.min(CHUNK, count - first),
      set,
    ].map(String);
    const lines = execFileSync(python, argv, { encoding: 'utf8', maxBuffer: 2 ** 26 })
      .trim()
      .split('\n');
    for (const line of lines) {
      const spec = JSON.parse(line);
      const file = readTensors(fs.readFileSync(spec.file), spec.file);
      const { input, h_0, c_0, output, h_n, c_n, ...weights } = Object.fromEntries(
        file.load([...file.specs.keys()]),
      );
      yield { spec, weights, tensors: { input, h_0, c_0, output, h_n, c_n } };
    }
  }
}

/** Pseudo-random numbers from 0 to 1; the same ones for the same seed. */
let state = Number(values.seed);
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** @type {Record<string, { elements: number, undecided: number, faults: number, beyondBound: number, cases: number, largest: number, unclear: number }>} */
const rows = {};
const add = (
  /** @type {string} */ name,
  /** @type {import('../dist/src/index.js').Comparison} */ { tensors, verdict },
) => {
  rows[name] ??= { cases: 0, elements: 0, undecided: 0, faults: 0, beyondBound: 0, largest: 0, unclear: 0 };
  const row = rows[name];
  row.cases++;
  if (verdict === 'ill-conditioned') row.unclear++;
  for (const { elements, auto } of tensors) {
    if (!auto) continue;
    row.elements += elements;
    row.undecided += auto.undecided;
    row.faults += auto.faults;
    row.beyondBound += auto.proven;
    row.largest = Math.max(row.largest, auto.sigmas ?? 0);
  }
  return tensors.some(({ auto }) => auto?.faults);
};

for (const { spec, weights, tensors } of references('runtimes', Number(values.cases))) {
  const one = caseOf(stateDict(weights), tensors, {
    batch_first: false,
    ...(spec.kind === 'RNN' && { nonlinearity: spec.nonlinearity }),
  });
  const name = `${spec.runtime} ${spec.dtype}`;
  const comparison = await verify(one, { rule: 'auto' });
  const failed = add(name, comparison);
  add('all', comparison);
  if (spec.runtime !== 'onnxruntime' && spec.dtype === 'float32')
    add(`${name}, profile torch`, await verify(one, { rule: 'auto', profile: 'torch' }));
  if (failed) console.log('FALSE ALARM', JSON.stringify(spec));
}
console.table(rows);

/** @type {Record<string, Record<string, number>>} */
const found = {};
let runs = 0;
for (const { tensors, weights } of references('faults', Number(values.runs))) {
  runs++;
  const names = Object.keys(weights);
  const name = names[Math.floor(random() * names.length)];
  const at = Math.floor(random() * weights[name].data.length);
  for (const size of FAULTS) {
    const data = weights[name].data.slice();
    data[at] = Math.fround(data[at] * (1 + size));
    const changed = stateDict({ ...weights, [name]: { ...weights[name], data } });
    const one = caseOf(changed, tensors, { batch_first: false });
    found[size] ??= { torch: 0, generic: 0, assert_close: 0 };
    for (const profile of /** @type {const} */ (['torch', 'generic'])) {
      const { tensors: judged } = await verify(one, { rule: 'auto', profile });
      if (judged.some(({ auto }) => auto?.faults)) found[size][profile]++;
    }
    const { tensors: close } = await verify(one, { rule: 'close', tolerance: TOLERANCE });
    if (close.some(({ mismatches }) => mismatches > 0)) found[size].assert_close++;
  }
}
console.log(`one weight × (1 + ε), percent of ${runs} runs in which a fault is found`);
console.table(
  Object.fromEntries(
    FAULTS.map((size) => [
      size,
      Object.fromEntries(
        Object.entries(found[size]).map(([name, count]) => [name, Number(((100 * count) / runs).toFixed(1))]),
      ),
    ]),
  ),
);
fs.rmSync(folder, { recursive: true });
