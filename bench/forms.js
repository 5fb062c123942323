import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLI, measure } from './processes.js';

/** Files of the same network, the one that the others are held against first. */
const FORMS = [
  { name: 'model', what: 'LSTM 3 → 4, 5 steps', endings: ['safetensors', 'pt', 'npz'], rounds: 15 },
  {
    name: 'large',
    what: 'an LSTM of 25 MB out of a checkpoint of 2 GB',
    endings: ['safetensors', 'pt'],
    rounds: 5,
  },
];

/**
 * Measures `cellcheck verify` with its default rule, of the same weights in several forms.
 * @param {import('./run.js').Bench} bench
 */
export async function forms({ python, node20, folder, start }) {
  const contender = (/** @type {string} */ name) =>
    fileURLToPath(new URL(`contenders/${name}`, import.meta.url));
  execFileSync(python, [contender('write_forms.py'), folder]);
  const ask = start(python, [contender('processes.py')]);
  const results = [];
  for (const { name, what, endings, rounds } of FORMS) {
    const files = ['--input', `${name}-x.safetensors`, '--expected', `${name}-y.safetensors`];
    const commands = endings.map((ending) => [
      `.${ending}`,
      [node20, CLI, 'verify', '--weights', path.join(folder, `${name}.${ending}`), ...files],
    ]);
    results.push(await measure(ask, what, rounds, folder, Object.fromEntries(commands), `.${endings[0]}`));
  }
  return results;
}
