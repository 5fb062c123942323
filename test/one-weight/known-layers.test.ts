import { expect, test } from 'vitest';
import { envelope } from '../../src/bounds/envelope.js';
import { PROFILES, type ProfileName } from '../../src/bounds/profiles.js';
import { forwardPass } from '../../src/engine/forward.js';
import type { BoundCase, Sequence } from '../../src/module/bind.js';
import { knownOutputs } from '../../src/module/known-outputs.js';
import { knownLayers } from '../../src/one-weight/known-layers.js';
import { boundOf } from '../diagnose/bound.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';

const MODULE = moduleOf('LSTM', { input_size: 3, hidden_size: 2, num_layers: 2, bidirectional: true });
const NETWORK = networkOf(MODULE, 4);
const SEQUENCE: Sequence = {
  ...sequenceOf(MODULE, 4, 2, 1),
  h0: Float64Array.from({ length: 16 }, (_, i) => 0.01 * i),
  c0: Float64Array.from({ length: 16 }, (_, i) => -0.01 * i),
  lengths: [4, 3],
};

const layers = async () => (await forwardPass(NETWORK, SEQUENCE, { layers: true })).layers!;

/** The case of an output, and of that of layer 0 where it is known. */
async function caseOf(belowIsKnown: boolean): Promise<BoundCase> {
  const [below, output] = (await layers()).map((values) => Float32Array.from(values));
  const boundCase = boundOf(NETWORK, SEQUENCE, { output });
  const [reference] = boundCase.references;
  const axes = { ...reference.axes, layer: 0 };
  const layerOutputs = belowIsKnown ? [{ ...reference, name: 'output_l0' as const, data: below, axes }] : [];
  return { ...boundCase, layerOutputs };
}

/** The known layers, with what a runtime of this profile rounds. */
function knownBy(boundCase: BoundCase, profile: ProfileName = 'generic') {
  const known = knownOutputs(boundCase).map((output) => output && { values: output.data });
  const options = { profile: PROFILES[profile], model: 'likely', known } as const;
  return knownLayers(boundCase, envelope(boundCase.network, boundCase.sequence, options).layers);
}

test('both directions of the last layer are known, over what the layer below gives', async () => {
  const [below, output] = await layers();
  const known = knownBy(await caseOf(false));
  expect(known.map(({ layer, direction, reverse }) => [layer, direction, reverse])).toEqual([
    [1, 'forward', false],
    [1, 'reverse', true],
  ]);
  const [forward, reverse] = known;
  expect(reverse).toMatchObject({ steps: 4, batch: 2, lengths: [4, 3], input_size: 4 });
  expect(reverse.parameters).toBe(NETWORK.layers[1][1]);
  expect([...forward.h0!, ...reverse.h0!]).toEqual([...SEQUENCE.h0!.subarray(8)]);
  expect([...forward.c0!, ...reverse.c0!]).toEqual([...SEQUENCE.c0!.subarray(8)]);
  for (let i = 0; i < below.length; i++) expect(reverse.input[i]).toBeCloseTo(below[i], 12);
  // Step 2, row 1: the reverse direction's units come after those of the forward one.
  const at = (2 * 2 + 1) * 4;
  const row = (values: ArrayLike<number>) => Array.from(values).slice(10, 12);
  expect(row(forward.expected)).toEqual([...Float32Array.from(output.subarray(at, at + 2))]);
  expect(row(reverse.expected)).toEqual([...Float32Array.from(output.subarray(at + 2, at + 4))]);
});

test('padding has no deviation, and any other value has one', async () => {
  for (const { sigma } of knownBy(await caseOf(false))) {
    const isPadding = (i: number) => i >= 14;
    for (const [i, deviation] of sigma.entries()) {
      if (isPadding(i)) expect(deviation).toBe(0);
      else expect(deviation).toBeGreaterThan(1e-9);
    }
  }
});

test('a profile that the user chose has deviations of its own', async () => {
  const boundCase = await caseOf(false);
  const [usual] = knownBy(boundCase);
  const [coarse] = knownBy(boundCase, 'f16');
  expect(coarse.sigma[0]).toBeGreaterThan(100 * usual.sigma[0]);
});

test('a layer below whose output is known is known, and gives the input above', async () => {
  const [below] = await layers();
  const known = knownBy(await caseOf(true));
  expect(known.map(({ layer, direction }) => `${layer} ${direction}`)).toEqual([
    '0 forward',
    '0 reverse',
    '1 forward',
    '1 reverse',
  ]);
  expect(known[1].input_size).toBe(3);
  expect([...known[1].input]).toEqual([...SEQUENCE.input]);
  expect([...known[0].h0!]).toEqual([...SEQUENCE.h0!.subarray(0, 4)]);
  expect([...known[3].input]).toEqual([...Float32Array.from(below)]);
});

test('nothing is known without an output, or with a projection', async () => {
  const { h_n } = await forwardPass(NETWORK, SEQUENCE);
  expect(knownBy(boundOf(NETWORK, SEQUENCE, { h_n }))).toEqual([]);
  const module = moduleOf('LSTM', { hidden_size: 3, proj_size: 2 });
  const projected = networkOf(module, 1);
  const sequence = sequenceOf(module, 3, 1, 1);
  const { output } = await forwardPass(projected, sequence);
  expect(knownBy(boundOf(projected, sequence, { output }))).toEqual([]);
});
