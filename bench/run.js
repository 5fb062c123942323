// Measures cellcheck side by side with PyTorch and ONNX Runtime, and writes results.json and the tables of README.md:
//
//     npm ci && npm run bench
//
// The programs that are compared take turns, round after round, so that a drift in the machine's speed affects all of
// them alike.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pythonWith } from '../test/live/python.js';
import { differing } from './differing.js';
import { forms } from './forms.js';
import { growth } from './growth.js';
import { judging } from './judging.js';
import { passes } from './passes.js';
import { processes } from './processes.js';
import { writeReport } from './report.js';
import { suite } from './suite.js';

/** @param {string} relative */
const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const { values } = parseArgs({
  options: { only: { type: 'string' }, rounds: { type: 'string', default: '5' } },
});

if (!fs.existsSync(at('node_modules')))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: at('.'), stdio: 'inherit' });

/**
 * `start` runs a program that answers each JSON line on stdin with a JSON line; `Ask` sends one line to it.
 * @typedef {(order: object) => Promise<any>} Ask
 * @typedef {{ python: string, node20: string, node24: string, folder: string, rounds: number, start: (command: string, argv: string[]) => Ask }} Bench
 */

/** @type {import('node:child_process').ChildProcess[]} */
const children = [];

/** @type {Bench} */
const bench = {
  python: pythonWith(['onnx==1.23.2', 'onnxruntime==1.32.0']),
  node20: process.execPath,
  node24: at('node_modules/node/bin/node'),
  folder: fs.mkdtempSync(path.join(os.tmpdir(), 'cellcheck-bench-')),
  rounds: Number(values.rounds),
  start(command, argv) {
    const child = spawn(command, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return async (order) => {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command} ${argv.join(' ')} has ended`);
      return JSON.parse(value);
    };
  },
};

const MEASUREMENTS = { passes, judging, differing, processes, suite, forms, growth };
const file = at('results.json');
/** @type {Record<string, unknown>} */
const results = fs.existsSync(file) && values.only ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
results.machine = {
  processor: os.cpus()[0].model,
  cores: os.availableParallelism(),
  memoryGiB: Math.round(os.totalmem() / 2 ** 30),
  platform: `${os.platform()} ${os.arch()}`,
  date: new Date().toISOString().slice(0, 10),
  versions: {
    node: process.version,
    node24: execFileSync(bench.node24, ['--version'], { encoding: 'utf8' }).trim(),
    torch: '2.13.0',
    'onnxruntime (Python)': '1.32.0',
    'onnxruntime-node': JSON.parse(fs.readFileSync(at('node_modules/onnxruntime-node/package.json'), 'utf8'))
      .version,
  },
};
try {
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (values.only && !values.only.split(',').includes(name)) continue;
    results[name] = await measure(bench);
  }
} finally {
  for (const child of children) child.kill();
  fs.rmSync(bench.folder, { recursive: true, force: true });
}
fs.writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
writeReport(results, at('README.md'));
