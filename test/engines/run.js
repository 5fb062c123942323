// Ports of random modules by other runtimes: how many honest ones are called faulty, how many with one weight changed are
// found, and whether a lower precision is named.
//
//     npm run engines [-- --modules 200 --only copies]
//
// writes the tables of docs/runtimes.md to the standard output.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { causeText, diagnose, tensor } from '../../dist/src/index.js';
import { folderWith, pythonWith } from '../live/python.js';
import { caseOfPort, judged, lines, NODE, ONNX, OTHERS, ports, randomFrom } from './judge.js';

const { values } = parseArgs({
  options: { modules: { type: 'string', default: '200' }, only: { type: 'string' } },
});
const wants = (/** @type {string} */ part) => values.only === undefined || values.only === part;
const modules = Number(values.modules);
const python = pythonWith([...ONNX, ...OTHERS]);
process.env.CELLCHECK_NODE_RUNTIMES = folderWith(NODE);
const out = fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-engines-'));
// Modules that one Python makes: their files are small.
const CHUNK = 50;

const FLOAT32 = [
  'torch',
  'torch without oneDNN',
  'onnxruntime',
  'onnxruntime nodes',
  'openvino f32',
  'onnxruntime-node',
  'onnxruntime-web',
  'jax',
  'flax',
  'equinox',
  'tensorflow',
  'keras',
  'litert',
  'tfjs cpu',
  'tfjs wasm',
  'numpy tanh',
  'numpy 2 sigmoid - 1',
  'numpy (e - 1) / (e + 1)',
  'numpy 1 - 2 / (e + 1)',
  'numpy (1 - e) / (1 + e)',
  'c tanhf',
  'c sigmoid',
  'c fraction',
  'c difference',
  'c negative',
];
const LOWER = [
  'torch bfloat16',
  'torch float16',
  'torch autocast bfloat16',
  'torch autocast float16',
  'torch float16 weights',
  'torch float16 weights without biases',
  'torch bfloat16 weights',
  'onnxruntime float16',
  'onnxruntime float16 weights',
  'openvino bf16',
  'numpy float16 state',
];
/** Those that store their outputs in 16 bits. */
const NARROW = /** @type {const} */ ([
  ['torch float16', 'F16'],
  ['torch bfloat16', 'BF16'],
  ['onnxruntime float16', 'F16'],
]);
const CHANGES = [1e-3, 1e-4];

/** @param {readonly (string | number)[]} cells */
const row = (cells) => console.log(`| ${cells.join(' | ')} |`);
const percent = (/** @type {number} */ part, /** @type {number} */ of) =>
  of ? `${Number(((100 * part) / of).toFixed(1))} %` : '–';

console.log('## Activations\n');
row(['runtime', 'tanh, < 0.1', '0.1 to 2', '> 2', 'relative, < 0.1', 'sigmoid, x < 0', 'x > 0']);
row(['---', '---', '---', '---', '---', '---', '---']);
for (const line of wants('activations') ? lines(python, 'activations.py', FLOAT32) : []) {
  const { runtime, tanh, relative, sigmoid } = JSON.parse(line);
  const digits = (/** @type {number} */ n) => (n > 1e4 ? n.toExponential(0) : n.toPrecision(2));
  row([runtime, ...(tanh ? [...tanh, relative].map(digits) : ['', '', '', '']), ...sigmoid.map(digits)]);
}

console.log('\n## float32\n');
row([
  'runtime',
  'set',
  'ports',
  'false alarms',
  'by a wider profile',
  ...CHANGES.map((e) => `found, ε = ${e}`),
]);
row(['---', '---', '---', '---', '---', ...CHANGES.map(() => '---')]);
for (const name of wants('float32') ? FLOAT32 : []) {
  for (const set of ['base', 'hard']) {
    const random = randomFrom(1);
    const counts = { ports: 0, alarms: 0, wider: 0, found: CHANGES.map(() => 0) };
    for (let first = 0; first < modules; first += CHUNK) {
      const argv = [out, set, String(first), String(Math.min(CHUNK, modules - first)), name];
      for (const { spec, tensors } of ports(python, 'ports.py', argv)) {
        counts.ports++;
        const honest = await judged(spec, tensors);
        if (honest.verdict === 'differs') counts.alarms++;
        if (honest.verdict === 'parity' && honest.tensors[0].auto?.profile !== 'generic') counts.wider++;
        for (const [i, change] of CHANGES.entries())
          if ((await judged(spec, tensors, { change, random })).verdict === 'differs') counts.found[i]++;
      }
    }
    const found = counts.found.map((n) => percent(n, counts.ports));
    row([name, set, counts.ports, counts.alarms, counts.wider, ...found]);
  }
}

console.log('\n## Lower precision inside, stored as float32\n');
row(['runtime', 'set', 'ports', 'named', 'another precision', 'one weight', 'parity']);
row(['---', '---', '---', '---', '---', '---', '---']);
for (const name of wants('lower') ? LOWER : []) {
  for (const set of ['base', 'hard']) {
    const counts = { ports: 0, named: 0, other: 0, weight: 0, parity: 0 };
    for (let first = 0; first < modules; first += CHUNK) {
      const argv = [out, set, String(first), String(Math.min(CHUNK, modules - first)), name];
      for (const { spec, tensors } of ports(python, 'ports.py', argv)) {
        counts.ports++;
        const { verdict, coarser, cause } = await judged(spec, tensors, { explain: true });
        const profile = coarser ?? (cause?.kind === 'precision' ? cause.profile : undefined);
        if (verdict === 'parity') counts.parity++;
        else if (profile)
          counts[profile.includes('bf16') === spec.precision.startsWith('b') ? 'named' : 'other']++;
        if (cause?.kind === 'weights') counts.weight++;
      }
    }
    row([name, set, counts.ports, counts.named, counts.other, counts.weight, counts.parity]);
  }
}

console.log('\n## Outputs in 16 bits, of float32 checkpoints\n');
row(['runtime', 'set', 'ports', 'parity', 'false alarms', 'found, ε = 0.05']);
row(['---', '---', '---', '---', '---', '---']);
for (const [name, dtype] of wants('narrow') ? NARROW : []) {
  for (const set of ['base', 'hard']) {
    const random = randomFrom(1);
    const counts = { ports: 0, parity: 0, alarms: 0, found: 0 };
    for (let first = 0; first < modules; first += CHUNK) {
      const argv = [out, set, String(first), String(Math.min(CHUNK, modules - first)), name];
      for (const { spec, tensors } of ports(python, 'ports.py', argv)) {
        for (const key of ['output', 'h_n', 'c_n'])
          if (tensors[key]) tensors[key] = tensor(tensors[key].shape, tensors[key].data, dtype);
        counts.ports++;
        const { verdict } = await judged(spec, tensors);
        if (verdict === 'parity') counts.parity++;
        if (verdict === 'differs') counts.alarms++;
        if ((await judged(spec, tensors, { change: 0.05, random })).verdict === 'differs') counts.found++;
      }
    }
    row([name, set, counts.ports, counts.parity, counts.alarms, percent(counts.found, counts.ports)]);
  }
}

console.log('\n## Copies of the weights without the conventions\n');
row(['copy', 'ports', 'differ', 'the first cause that diagnose names', 'in']);
row(['---', '---', '---', '---', '---']);
for (const name of modules > 0 && wants('copies') ? lines(python, 'copies.py', []) : []) {
  const counts = { ports: 0, differ: 0 };
  /** @type {Record<string, number>} */
  const causes = {};
  for (const { spec, tensors } of ports(python, 'ports.py', [out, 'base', '0', String(modules), name])) {
    counts.ports++;
    if ((await judged(spec, tensors)).verdict === 'differs') counts.differ++;
    const { cause } = await diagnose(caseOfPort(spec, tensors));
    const text = (cause && causeText(cause))?.replace(/ \(or .*/, '') ?? 'none';
    causes[text] = (causes[text] ?? 0) + 1;
  }
  const [[text, count] = ['', 0]] = Object.entries(causes).sort((a, b) => b[1] - a[1]);
  row([name, counts.ports, counts.differ, text, count]);
}

console.log('\n## Stacked networks without the outputs of their lower layers\n');
row(['runtime', 'weights', 'networks', 'false alarms', 'undecided', 'found, ε = 0.01', 'with layer outputs']);
row(['---', '---', '---', '---', '---', '---', '---']);
/** @type {Record<string, { n: number, alarms: number, undecided: number, values: number, found: number, known: number }>} */
const stacks = {};
const [one, other] = [randomFrom(1), randomFrom(1)];
// One Python makes all of them: it trains each network once.
if (modules > 0 && wants('stacks')) {
  for (const { spec, tensors } of ports(python, 'stacks.py', [out, '0', String(modules)])) {
    const free = Object.fromEntries(Object.entries(tensors).filter(([key]) => !key.startsWith('output_l')));
    stacks[`${spec.runtime} | ${spec.what}`] ??= {
      n: 0,
      alarms: 0,
      undecided: 0,
      values: 0,
      found: 0,
      known: 0,
    };
    const counts = stacks[`${spec.runtime} | ${spec.what}`];
    const honest = await judged(spec, free);
    counts.n++;
    if (honest.verdict === 'differs') counts.alarms++;
    for (const { elements, auto } of honest.tensors) {
      counts.values += elements;
      counts.undecided += auto?.undecided ?? 0;
    }
    if ((await judged(spec, free, { change: 0.01, random: one })).verdict === 'differs') counts.found++;
    if ((await judged(spec, tensors, { change: 0.01, random: other })).verdict === 'differs') counts.known++;
  }
}
for (const [name, { n, alarms, undecided, values: all, found, known }] of Object.entries(stacks))
  row([name, n, alarms, percent(undecided, all), percent(found, n), percent(known, n)]);
fs.rmSync(out, { recursive: true });
