import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { forwardPass } from '../../src/engine/forward.js';
import { caseOf as caseOfTensors, forward as run } from '../../src/index.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import type { Case, Role } from '../../src/module/case.js';
import type { Module } from '../../src/module/parameters.js';
import type { FloatDtype } from '../../src/tensor/dtype.js';
import { type StateDict, stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, tensor } from '../../src/tensor/tensor.js';
import { verify } from '../../src/verify.js';
import { cli, scratch } from '../cli.js';
import { networkOf, sequenceOf, weightsOf } from '../engine/random-network.js';
import { writeJson } from '../write.js';

const RNN: Module = {
  kind: 'RNN',
  cell: false,
  nonlinearity: 'tanh',
  prefix: '',
  input_size: 3,
  hidden_size: 24,
  proj_size: 0,
  num_layers: 1,
  bidirectional: false,
  bias: true,
};
const [STEPS, BATCH] = [80, 2];

/** A network whose weights are larger than trained ones, up to chaos. */
function scaled(module: Module, scale: number, seed = 11): Network {
  const network = networkOf(module, seed);
  const times = (values?: ArrayLike<number>) => values && Float32Array.from(values, (value) => value * scale);
  return {
    module,
    layers: network.layers.map((layer) =>
      layer.map((p) => ({
        weightIh: times(p.weightIh)!,
        weightHh: times(p.weightHh)!,
        biasIh: times(p.biasIh),
        biasHh: times(p.biasHh),
      })),
    ),
  };
}

function caseOf(network: Network, sequence: Sequence, expected: Partial<Record<Role, Tensor>>): Case {
  const { module, layers } = network;
  const weights: Record<string, Tensor> = {};
  for (const [k, layer] of layers.entries()) {
    for (const [d, p] of layer.entries()) {
      const end = `_l${k}${d ? '_reverse' : ''}`;
      weights[`weight_ih${end}`] = tensor([p.weightIh.length / (k ? 24 : 3), k ? 24 : 3], p.weightIh);
      weights[`weight_hh${end}`] = tensor([p.weightHh.length / 24, 24], p.weightHh);
      weights[`bias_ih${end}`] = tensor([p.biasIh!.length], p.biasIh!);
      weights[`bias_hh${end}`] = tensor([p.biasHh!.length], p.biasHh!);
    }
  }
  const input = tensor([sequence.steps, sequence.batch, module.input_size], sequence.input, 'F64');
  return {
    weights: stateDict(weights),
    tensors: new Map(Object.entries({ input, ...expected }) as [Role, Tensor][]),
    options: {},
  };
}

/** An honest reference: the same network, computed with other roundings than cellcheck uses to judge it. */
async function honest(network: Network, sequence: Sequence, dtype: FloatDtype) {
  // The order of the units is another, and with it the order of every sum.
  const { hidden_size, input_size } = network.module;
  const order = [...Array(hidden_size).keys()].reverse();
  const rows = (m: ArrayLike<number>, width: number) =>
    Float32Array.from(order.flatMap((j) => Array.from({ length: width }, (_, k) => m[j * width + k])));
  const [[p]] = network.layers;
  const hh = rows(p.weightHh, hidden_size);
  const turned: Network = {
    module: network.module,
    layers: [
      [
        {
          weightIh: rows(p.weightIh, input_size),
          weightHh: Float32Array.from(hh, (_, i) => hh[i - (i % hidden_size) + order[i % hidden_size]]),
          biasIh: rows(p.biasIh!, 1),
          biasHh: rows(p.biasHh!, 1),
        },
      ],
    ],
  };
  const { output } = await forwardPass(turned, sequence, {
    compute: dtype === 'F64' ? 'float64' : 'float32',
    storage: dtype === 'F32' || dtype === 'F64' ? undefined : { dtype },
  });
  const values = Float64Array.from(output, (_, i) => output[i - (i % hidden_size) + order[i % hidden_size]]);
  return { output: tensor([STEPS, BATCH, hidden_size], values, dtype) };
}

function spoilt({ output }: { output: Tensor }, step: number, by: number) {
  const data = output.data.slice();
  data[(step * BATCH + 1) * 24 + 7] += by;
  return { output: { ...output, data } };
}

describe('a chaotic network', () => {
  const sequence = sequenceOf(RNN, STEPS, BATCH, 3);
  const network = scaled(RNN, 8);

  test('with an honest reference is ill-conditioned by a tolerance, and parity by rounding', async () => {
    for (const dtype of ['F32', 'F16', 'BF16'] as const) {
      const one = caseOf(network, sequence, await honest(network, sequence, dtype));
      // In bfloat16 one step's rounding is as large as the values: they are undecided, and held against the tolerance.
      const byRounding = dtype === 'BF16' ? 'ill-conditioned' : 'parity';
      expect((await verify(one)).verdict, dtype).toBe(byRounding);
      const result = await verify(one, { rule: 'close' });
      expect(result.verdict, dtype).toBe('ill-conditioned');
      expect(result.divergesAt).toBeGreaterThanOrEqual(dtype === 'F32' ? 1 : 0);
      expect(result.divergesAt).toBeLessThan(STEPS);
    }
  });

  test('with an honest float32 reference never differs, whatever its weights', async () => {
    for (const scale of [4, 8]) {
      for (let seed = 1; seed <= 12; seed++) {
        const any = scaled(RNN, scale, seed);
        const input = sequenceOf(RNN, STEPS, BATCH, seed);
        const one = caseOf(any, input, await honest(any, input, 'F32'));
        expect((await verify(one, { rule: 'close' })).verdict, `${scale} ${seed}`).not.toBe('differs');
      }
    }
  });

  test('with a fault before rounding could explain it differs, and the step is named', async () => {
    const reference = spoilt(await honest(network, sequence, 'F32'), 2, 1e-3);
    const { verdict, first } = await verify(caseOf(network, sequence, reference));
    expect(verdict).toBe('differs');
    expect(first).toMatchObject({ tensor: 'output', place: { row: 2, batch: 1, unit: 7 } });
  });

  test('tells the step on the terminal, and exits 2', async () => {
    const loaded = caseOf(network, sequence, await honest(network, sequence, 'F32'));
    const rows = ({ data, shape }: Tensor): unknown =>
      shape.slice(1).reduceRight<unknown[]>(
        (list, size) => {
          return Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size));
        },
        [...data],
      );
    const bundle = path.join(scratch(), 'chaos.json');
    const all = [...loaded.weights.load([...loaded.weights.specs.keys()]), ...loaded.tensors];
    writeJson(bundle, Object.fromEntries(all.map(([name, value]) => [name, rows(value)])));
    const { code, stdout } = await cli(['verify', bundle, '--rule', 'close']);
    expect(code).toBe(2);
    expect(stdout).toMatch(/^ill-conditioned: no verdict;/m);
    expect(stdout).toMatch(/from step \d+ on/);
    expect(stdout).toContain('unclear');
    expect(stdout).not.toContain('DIFFERS');
    const several = await cli(['verify', bundle, 'samples/lstm', '--rule', 'close']);
    expect(several.code).toBe(2);
    expect(several.stdout).toContain('1 parity, 0 differs, 1 without a verdict');
  });
});

describe('an ordinary network', () => {
  const sequence = sequenceOf(RNN, STEPS, BATCH, 3);
  const network = scaled(RNN, 1);

  test.each(['F64', 'F32', 'F16', 'BF16'] as const)(
    'with an honest %s reference is parity',
    async (dtype) => {
      expect((await verify(caseOf(network, sequence, await honest(network, sequence, dtype)))).verdict).toBe(
        'parity',
      );
    },
  );

  test.each([
    ['F64', 1e-6],
    ['F32', 1e-4],
    ['F16', 2e-2],
    ['BF16', 0.2],
  ] as const)('with one element off by ten tolerances in %s differs', async (dtype, by) => {
    const reference = spoilt(await honest(network, sequence, dtype), 50, by);
    const { verdict, first } = await verify(caseOf(network, sequence, reference));
    expect(verdict).toBe('differs');
    expect(first!.place.row).toBe(50);
  });

  test('under a tolerance that float32 cannot keep has no verdict, but a real fault still differs', async () => {
    const reference = await honest(network, sequence, 'F32');
    const options = { tolerance: { rtol: 0, atol: 0 } };
    expect((await verify(caseOf(network, sequence, reference), options)).verdict).toBe('ill-conditioned');
    expect((await verify(caseOf(network, sequence, spoilt(reference, 5, 1e-4)), options)).verdict).toBe(
      'differs',
    );
  });

  test('computed in float32 against a float64 reference, rounding is not taken for a fault', async () => {
    const reference = await honest(network, sequence, 'F64');
    const options = { compute: 'float32', tolerance: { rtol: 0, atol: 1e-8 } } as const;
    expect((await verify(caseOf(network, sequence, reference), options)).verdict).toBe('ill-conditioned');
  });

  test('computed in float32, what is off by some thirty times the rounding of float32 is no fault', async () => {
    const module = { ...RNN, hidden_size: 8 };
    const weights = weightsOf(networkOf(module, 4));
    const { input: numbers } = sequenceOf(module, 20, 1, 4);
    const input = tensor([20, 1, module.input_size], numbers, 'F64');
    const [single, double] = await Promise.all(
      (['float32', 'float64'] as const).map(async (compute) => run(weights, { input }, { compute })),
    );
    const { shape, data } = single.output!;
    const error = Math.max(...Array.from(data, (one, i) => Math.abs(one - double.output!.data[i])));
    const verdictOff = async (errors: number) => {
      const off = Array.from(data, (one, i) => (i === data.length - 1 ? one + errors * error : one));
      const output = tensor(shape, off, 'F32');
      const options = { compute: 'float32', tolerance: { rtol: 0, atol: 0 } } as const;
      return (await verify(caseOfTensors(weights, { input, output }), options)).verdict;
    };
    expect(await verdictOff(0)).toBe('parity');
    expect(await verdictOff(25)).toBe('ill-conditioned');
    expect(await verdictOff(50)).toBe('differs');
  });
});

describe('values beyond 1', () => {
  const input = tensor([3, 1, 1], [1, -1, 0.5]);
  const filled = (shape: [number, number], scale: number) =>
    tensor(
      shape,
      Float64Array.from({ length: shape[0] * shape[1] }, (_, i) => scale * Math.cos(i + 1)),
      'F64',
    );
  // Computed in float32, and held against a tolerance that float32 cannot keep.
  const verdictOf = async (weights: StateDict, h_0?: Tensor) => {
    const { output } = await run(weights, { input, h_0 }, { compute: 'float32' });
    const size = Math.max(...Array.from(output!.data, Math.abs));
    const options = { tolerance: { rtol: 0, atol: 0 } };
    const { verdict } = await verify(caseOfTensors(weights, { input, h_0, output: output! }), options);
    return { verdict, beyond: size > 1.1 };
  };

  test('are what a projection gives', async () => {
    const weights = {
      weight_ih_l0: filled([8, 1], 1),
      weight_hh_l0: filled([8, 1], 1),
      weight_hr_l0: filled([1, 2], 20),
    };
    expect(await verdictOf(stateDict(weights))).toEqual({ verdict: 'ill-conditioned', beyond: true });
  });

  test('are what a GRU keeps of an initial state', async () => {
    const weights = stateDict({ weight_ih_l0: filled([6, 1], 0.5), weight_hh_l0: filled([6, 2], 0.5) });
    const h_0 = tensor([1, 1, 2], [3, -3]);
    expect(await verdictOf(weights, h_0)).toEqual({ verdict: 'ill-conditioned', beyond: true });
  });
});

test('nothing explains a value that no rounding could give', async () => {
  const network = scaled(RNN, 8);
  const sequence = sequenceOf(RNN, STEPS, BATCH, 3);
  const reference = spoilt(await honest(network, sequence, 'F32'), STEPS - 1, 5);
  const { verdict, first } = await verify(caseOf(network, sequence, reference));
  expect(verdict).toBe('differs');
  expect(first).toMatchObject({ place: { row: STEPS - 1, batch: 1, unit: 7 } });
});

test('nothing explains NaN where no run of ours comes near one', async () => {
  const network = scaled(RNN, 8);
  const sequence = sequenceOf(RNN, STEPS, BATCH, 3);
  for (const dtype of ['F32', 'BF16', 'F64'] as const) {
    const reference = spoilt(await honest(network, sequence, dtype), STEPS - 1, Number.NaN);
    expect((await verify(caseOf(network, sequence, reference))).verdict).toBe('differs');
  }
});

test('an overflow of the reference is rounding too', async () => {
  const relu: Module = { ...RNN, nonlinearity: 'relu' };
  const network = scaled(relu, 12);
  const sequence = sequenceOf(relu, STEPS, BATCH, 3);
  const { output } = await honest(network, sequence, 'F32');
  expect(output.data.some((value) => !Number.isFinite(value))).toBe(true);
  const loaded = { ...caseOf(network, sequence, { output }), options: { nonlinearity: 'relu' as const } };
  expect((await verify(loaded)).verdict).toBe('ill-conditioned');
});
