import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { KERNELS } from '../../src/engine/options.js';
import { expectPrototype, type PrototypeCase } from '../bounds/prototype.js';
import { pythonWithTorch } from '../live/python.js';

const CASES = 200;
const SEED = process.env.LIVE_SEED ?? String(Date.now() % 1_000_000);

test(`the envelope is the prototype's over ${CASES} random networks`, async () => {
  console.log(`LIVE_SEED=${SEED}`);
  const script = path.join(import.meta.dirname, 'envelope.py');
  const argv = [script, process.env.CELLCHECK_ORACLES!, String(CASES), SEED];
  const text = execFileSync(pythonWithTorch(), argv, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  const cases: PrototypeCase[] = JSON.parse(text);
  expect(cases).toHaveLength(CASES);
  const compared = cases.flatMap((one, i) => expectPrototype(one, `${i}`, KERNELS[i % KERNELS.length]));
  const largest = (of: 'likely' | 'worst') =>
    Math.max(...compared.filter(({ model }) => model === of).map(({ errors }) => errors));
  const chaotic = compared.filter(({ values }) => values > 1e-9).length;
  console.log({ likely: largest('likely'), worst: largest('worst'), checks: compared.length, chaotic });
  expect(compared.length).toBeGreaterThan(8 * CASES - 1);
  expect(chaotic).toBeLessThan(0.02 * compared.length);
});
