import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE20_FLAGS } from './flags.js';
import { CLI } from './processes.js';
import { median, slope } from './statistics.js';

/** @param {string} relative */
const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const BASE = { kind: 'LSTM', input: 64, hidden: 128, layers: 1, steps: 500, batch: 1 };
/** Two decades of each size. The smallest is large enough that overheads do not dominate. */
const SERIES = {
  steps: { ...BASE, values: [2500, 8000, 25_000, 80_000, 250_000] },
  batch: { ...BASE, steps: 1000, values: [4, 12, 40, 120, 400] },
  hidden: { ...BASE, steps: 100, batch: 8, values: [64, 128, 256, 512, 1024] },
  'steps of a verdict': { ...BASE, isVerdict: true, values: [2500, 8000, 25_000, 80_000, 250_000] },
  'batch of a verdict': { ...BASE, isVerdict: true, steps: 1000, values: [4, 12, 40, 120, 400] },
};
const MEMORY_STEPS = [1000, 10_000, 100_000];

/**
 * Measures how time grows with steps, batch rows and hidden units (one thread, float64), of a forward pass and of a verdict by
 * the default rule; and how memory grows with steps: that of a pass, compared with the size of the tensors, and that of
 * `cellcheck verify`.
 * @param {import('./run.js').Bench} bench
 */
export async function growth(bench) {
  const ask = bench.start(bench.node20, [...NODE20_FLAGS, at('contenders/cellcheck-growth.js')]);
  /** @type {Record<string, unknown>} */
  const results = {};
  for (const [what, { values, ...shape }] of Object.entries(SERIES)) {
    const times = values.map(() => /** @type {number[]} */ ([]));
    for (let round = -1; round < bench.rounds; round++) {
      for (const [i, value] of values.entries()) {
        const { milliseconds } = await ask({ shape: { ...shape, [what.split(' ')[0]]: value } });
        if (round >= 0) times[i].push(milliseconds);
      }
    }
    const points = values.map((value, i) => /** @type {const} */ ([value, median(times[i])]));
    results[what] = { points, slope: slope(points) };
    console.error(
      what,
      points.map(([value, time]) => `${value}: ${time.toFixed(1)} ms`).join('  '),
      'slope',
      slope(points).toFixed(3),
    );
  }
  const measure = bench.start(bench.python, [at('contenders/processes.py')]);
  const memory = [];
  for (const steps of MEMORY_STEPS) {
    const file = path.join(bench.folder, 'growth.json');
    fs.writeFileSync(file, JSON.stringify({ ...BASE, steps }));
    const argv = [bench.node20, at('contenders/cellcheck-growth.js'), file];
    const { mebibytes } = await measure({ run: argv, folder: bench.folder });
    // The input in float32 and the output in float64.
    const tensors = (steps * (4 * BASE.input + 8 * BASE.hidden)) / 2 ** 20;
    memory.push({ steps, mebibytes, tensors });
    console.error(`${steps} steps: ${mebibytes.toFixed(0)} MiB, of which tensors ${tensors.toFixed(0)}`);
  }
  const prepare = bench.start(bench.python, [at('contenders/torch_passes.py')]);
  const verdicts = [];
  for (const steps of MEMORY_STEPS) {
    const folder = path.join(bench.folder, `growth-${steps}`);
    fs.mkdirSync(folder);
    await prepare({ prepare: { ...BASE, hidden: 64, steps, dtype: 'float32' }, folder });
    execFileSync(bench.python, [at('contenders/add_output.py'), folder]);
    const argv = ['verify', path.join(folder, 'case.safetensors')];
    /** @param {string} node */
    const mebibytes = async (node) => (await measure({ run: [node, CLI, ...argv], folder })).mebibytes;
    const row = { steps, node20: await mebibytes(bench.node20), node24: await mebibytes(bench.node24) };
    verdicts.push(row);
    console.error('a verdict', row);
    fs.rmSync(folder, { recursive: true });
  }
  return { ...results, memory, verdicts };
}
