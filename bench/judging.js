import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE20_FLAGS, NODE24_FLAGS } from './flags.js';
import { PASSES, pass } from './passes.js';
import { median } from './statistics.js';

/** @param {string} relative */
const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** Beside the forward passes of passes.js: many steps, and layers that run free, also trained ones, whose errors are sampled. */
const MORE = [
  pass('LSTM', 64, 128, 1, 20_000, 1),
  pass('LSTM', 256, 512, 2, 100, 8),
  pass('LSTM', 256, 512, 3, 100, 8),
  { ...pass('GRU', 16, 256, 2, 200, 1), trained: true },
  { ...pass('GRU', 16, 256, 3, 200, 1), trained: true },
  { ...pass('GRU', 16, 256, 2, 200, 16), trained: true },
];

/**
 * What prepares a case, and both versions of Node that judge it.
 * @param {import('./run.js').Bench} bench
 */
export function judges(bench) {
  const prepare = bench.start(bench.python, [at('contenders/torch_passes.py')]);
  const ours = at('contenders/cellcheck-judging.js');
  const contenders = {
    node20: bench.start(bench.node20, [...NODE20_FLAGS, ours]),
    node24: bench.start(bench.node24, [...NODE24_FLAGS, ours]),
  };
  return { prepare, contenders };
}

// A verdict is repeated until TURN_MS have passed, MOST_A_TURN times at most; the median counts. Single ones of half a second
// differ by a tenth on a shared machine.
const TURN_MS = 1500;
const MOST_A_TURN = 25;

/**
 * Measures what judging costs: a whole verdict by the default rule as a multiple of the forward pass that it includes, in one
 * process and two threads, without reading and printing.
 * @param {import('./run.js').Bench} bench
 */
export async function judging(bench) {
  const { prepare, contenders } = judges(bench);
  const results = [];
  for (const [number, shape] of [...PASSES, ...MORE].entries()) {
    const folder = path.join(bench.folder, `judging-${number}`);
    fs.mkdirSync(folder);
    await prepare({ prepare: { ...shape, dtype: 'float32' }, folder });
    execFileSync(bench.python, [at('contenders/add_output.py'), folder]);
    for (const ask of Object.values(contenders)) await ask({ load: path.join(folder, 'case.safetensors') });
    /** @type {Record<string, { forward: number[], ratios: number[] }>} */
    const turns = { node20: { forward: [], ratios: [] }, node24: { forward: [], ratios: [] } };
    for (let round = -1; round < bench.rounds; round++) {
      for (const [name, ask] of Object.entries(contenders)) {
        /** @type {{ forward: number, verdict: number }[]} */
        const times = [];
        while (times.length < MOST_A_TURN && times.reduce((sum, { verdict }) => sum + verdict, 0) < TURN_MS)
          times.push(await ask({ run: 2 }));
        // The first round is a warm-up.
        if (round < 0) continue;
        turns[name].forward.push(median(times.map(({ forward }) => forward)));
        turns[name].ratios.push(median(times.map(({ forward, verdict }) => verdict / forward)));
      }
    }
    const of = (/** @type {string} */ name) => ({
      forward: median(turns[name].forward),
      ratio: median(turns[name].ratios),
    });
    const row = { ...shape, node20: of('node20'), node24: of('node24') };
    results.push(row);
    console.error(shape.kind, shape, row.node20, row.node24);
    fs.rmSync(folder, { recursive: true });
  }
  return results;
}
