import { expect, test } from 'vitest';
import { forwardPass } from '../../src/engine/forward.js';
import type { Network } from '../../src/module/bind.js';
import { type FloatDtype, roundTo } from '../../src/tensor/dtype.js';
import { judgeRounding } from '../../src/verdict/rounding.js';
import { moduleOf } from '../engine/module.js';
import { networkOf, sequenceOf } from '../engine/random-network.js';
import { boundOf } from './bound.js';

const SIZE = 12;
const MODULE = moduleOf('RNN', { input_size: 6, hidden_size: SIZE, num_layers: 2, bidirectional: true });

/** A network and a sequence of numbers that the dtype holds. */
function drawn(dtype: FloatDtype) {
  const network = networkOf(MODULE, 3);
  const narrow = (values: Float64Array) => values.map((value) => roundTo(value, dtype));
  const layers = network.layers.map((directions) =>
    directions.map(
      (parameters) =>
        Object.fromEntries(
          Object.entries(parameters).map(([name, values]) => [
            name,
            values && narrow(values as Float64Array),
          ]),
        ) as typeof parameters,
    ),
  );
  const sequence = sequenceOf(MODULE, 120, 2, 5);
  return {
    network: { module: MODULE, layers },
    sequence: { ...sequence, input: narrow(sequence.input as Float64Array) },
  };
}

/** The network with one weight_hh of a layer and direction times this. */
function times(network: Network, layer: number, direction: number, unit: number, by: number): Network {
  const at = unit * SIZE + 5;
  return {
    ...network,
    layers: network.layers.map((directions, l) =>
      directions.map((parameters, d) =>
        l === layer && d === direction
          ? {
              ...parameters,
              weightHh: (parameters.weightHh as Float64Array).with(at, parameters.weightHh[at] * by),
            }
          : parameters,
      ),
    ),
  };
}

/** Judges what the network computed in a dtype, held against another in the file. */
async function judged(dtype: FloatDtype, inFile: (network: Network) => Network, off = 0) {
  const { network, sequence } = drawn(dtype);
  const {
    output,
    h_n,
    layers = [],
  } = await forwardPass(network, sequence, { storage: { dtype }, layers: true });
  const stored = { output: { dtype }, h_n: { dtype }, layers: [{ dtype }] };
  const boundCase = await boundOf(inFile(network), sequence, stored);
  const [ofOutput, ofStates] = boundCase.references;
  return await judgeRounding(
    {
      ...boundCase,
      references: [
        { ...ofOutput, data: output },
        { ...ofStates, data: h_n.map((value, i) => (i === 30 ? value + off : value)) },
      ],
      layerOutputs: [{ ...boundCase.layerOutputs[0], data: layers[0] }],
    },
    {},
  );
}

const CHANGES = { F16: 1.003, BF16: 1.02 } as const;

test.each(['F16', 'BF16'] as const)('%s: one wrong weight is a fault of its unit alone', async (dtype) => {
  const all = await judged(dtype, (network) => times(network, 1, 1, 4, CHANGES[dtype]));
  const [inner, output, h_n] = all;
  expect([inner, h_n].map(({ units }) => units)).toEqual([[], []]);
  expect(inner.faults.includes(1) || h_n.faults.includes(1)).toBe(false);
  // Those of the reverse direction stand behind the forward ones.
  const unit = SIZE + 4;
  expect(output.units.map((one) => one.unit)).toEqual([unit]);
  const [{ weightSigmas, meanSquare }] = output.units;
  expect(weightSigmas).toBeGreaterThan(6);
  const own = output.sigmas.filter((sigma, i) => i % (2 * SIZE) === unit && sigma > 0);
  expect(meanSquare).toBeCloseTo(own.reduce((sum, sigma) => sum + sigma ** 2, 0) / own.length, 9);
  const half = Math.max(...own) / 2;
  const faulty = [...output.faults.entries()].filter(([, fault]) => fault === 1).map(([i]) => i);
  const expected = [...output.sigmas.entries()].filter(([i, far]) => i % (2 * SIZE) === unit && far > half);
  expect(faulty).toEqual(expected.map(([i]) => i));
  expect(faulty.length).toBeGreaterThan(1);
});

test('of a layer below the last it is one of that layer', async () => {
  const [inner, output] = await judged('BF16', (network) => times(network, 0, 0, 7, CHANGES.BF16));
  expect(inner.units.map(({ unit }) => unit)).toEqual([7]);
  expect(output.units).toEqual([]);
});

test('where all weights are right there is none, and none is looked for where a value is beyond rounding', async () => {
  const right = await judged('BF16', (network) => network);
  for (const { units, faults } of right) {
    expect(units).toEqual([]);
    expect(faults.includes(1)).toBe(false);
  }
  const [, output, h_n] = await judged('BF16', (network) => times(network, 1, 1, 4, CHANGES.BF16), 0.5);
  expect(h_n.faults.indexOf(1)).toBe(30);
  expect(output.units).toEqual([]);
});
