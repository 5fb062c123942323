import path from 'node:path';
import { expect, test } from 'vitest';
import { forwardPass } from '../../src/engine/forward.js';
import { loadCase } from '../../src/index.js';
import { bind } from '../../src/module/bind.js';
import { describeModule } from '../../src/module/describe.js';
import { SAMPLES } from '../cli.js';

// What explains a 16-bit reference is a run that rounds as PyTorch did: of a network this small the very same bits.
test.each([
  ['lstm-float16', 'F16'],
  ['gru-bfloat16', 'BF16'],
] as const)('%s: stored as %s, every value is the one that PyTorch computed', async (name, dtype) => {
  const loaded = await loadCase(path.join(SAMPLES, name));
  const { network, sequence, references } = bind(describeModule(loaded.weights.specs, {}), loaded, false);
  const outputs = await forwardPass(network, sequence, { storage: { dtype } });
  expect(references.length).toBeGreaterThan(1);
  for (const { name, data } of references) expect([...outputs[name]!]).toEqual([...data]);

  const [one, other] = [1, 2].map((seed) => ({ storage: { dtype, seed } }));
  const randomly = await forwardPass(network, sequence, one);
  expect(await forwardPass(network, sequence, one)).toEqual(randomly);
  expect(randomly.output).not.toEqual(outputs.output);
  expect((await forwardPass(network, sequence, other)).output).not.toEqual(randomly.output);
});
