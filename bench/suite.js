import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLI, measure } from './processes.js';

/** @param {string} relative */
const at = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const SAMPLES = [
  'lstm',
  'gru',
  'rnn-basic',
  'rnn-features',
  'lstm-initial-state',
  'gru-cell',
  'rnn-bidirectional',
  'rnn-stacked',
];
const COUNTS = [2000, 20_000];

/**
 * Measures suites of many small cases, copies of samples: on one core and on two.
 * @param {import('./run.js').Bench} bench
 */
export async function suite(bench) {
  const ask = bench.start(bench.python, [at('contenders/processes.py')]);
  const results = [];
  for (const count of COUNTS) {
    const folder = path.join(bench.folder, `suite-${count}`);
    for (let i = 0; i < count; i++) {
      const sample = SAMPLES[i % SAMPLES.length];
      fs.cpSync(at(`../samples/${sample}`), path.join(folder, String(i).padStart(5, '0')), {
        recursive: true,
      });
    }
    /** @param {string} node @param {string} cores */
    const on = (node, cores) => ['taskset', '-c', cores, node, CLI, 'verify', folder, '-q'];
    const rounds = count > 2000 ? 1 : bench.rounds;
    const commands = {
      'Node 20, one core': on(bench.node20, '0'),
      'Node 20, two cores': on(bench.node20, '0,1'),
      'Node 24, one core': on(bench.node24, '0'),
      'Node 24, two cores': on(bench.node24, '0,1'),
    };
    const name = `${count} cases`;
    results.push({
      count,
      ...(await measure(ask, name, rounds, bench.folder, commands, 'Node 20, one core')),
    });
    fs.rmSync(folder, { recursive: true });
  }
  return results;
}
