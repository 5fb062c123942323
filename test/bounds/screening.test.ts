import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { envelope, type Spread } from '../../src/bounds/envelope.js';
import { PROFILES, type Profile } from '../../src/bounds/profiles.js';
import { screenOf } from '../../src/bounds/screening.js';
import { enoughAtol, isClose, ROUNDING } from '../../src/compare/close.js';
import { forwardPass } from '../../src/engine/forward.js';
import type { Differences } from '../../src/engine/kernels/kernels.js';
import type { KernelName, SpeedOptions } from '../../src/engine/options.js';
import type { Network, Sequence } from '../../src/module/bind.js';
import { directionsOf, outputSize } from '../../src/module/parameters.js';
import type { Floats } from '../../src/tensor/dtype.js';
import { moduleOf } from '../engine/module.js';
import { anyNetwork, networkOf, sequenceOf } from '../engine/random-network.js';

const SPEED: SpeedOptions = { kernels: 'simd' };
/** Of deviations, their squares and variances, against those of the envelope; relative. */
const NEAR = 2e-4;

const CLOSENESS = { rtol: 1e-7, atol: 0.01, margin: ROUNDING };

/** A reference of the output, to be screened. */
const knownAs = (values: Floats) => ({ values, closeness: CLOSENESS });

/** A pass that screens the output of the last layer, if one is given. */
async function screened(
  network: Network,
  sequence: Sequence,
  expected: Floats | undefined,
  profile: Profile = PROFILES.generic,
  kernels: KernelName = 'simd',
) {
  const screen = screenOf(network, sequence, profile, expected && knownAs(expected), { kernels });
  return screen && (await forwardPass(network, sequence, { screen, speed: { kernels } }));
}

/** What a float32 runtime computes; in float64 with errors of that size, where it rounds more finely. */
async function referenceOf(network: Network, sequence: Sequence, profile: Profile): Promise<Floats> {
  const dtype = profile === PROFILES.f64 ? 'F64' : 'F32';
  return (await forwardPass(network, sequence, { storage: { dtype } })).output;
}

function expectNear(actual: number, expected: number, what: string, near = NEAR): void {
  const tolerance = near * Math.max(1, Math.abs(expected));
  expect(Math.abs(actual - expected), `${what}: ${actual}, ${expected}`).toBeLessThanOrEqual(tolerance);
}

/** What a comparison by the rule of `knownAs` says of a step. */
function expectDifferences(
  { largest, relative, needed, nonzero, nearZero }: Differences,
  t: number,
  expected: readonly number[],
  actual: readonly number[],
): void {
  const { rtol, atol } = CLOSENESS;
  const distances = expected.map((value, i) => Math.abs(actual[i] - value));
  const others = expected.filter((value) => value !== 0);
  expect(largest[t]).toBe(Math.max(...distances));
  expect(needed[t]).toBe(
    Math.max(0, ...actual.map((value, i) => enoughAtol(value, expected[i], rtol, false))),
  );
  expect(nonzero[t]).toBe(others.length);
  expect(nearZero[t]).toBe(
    others.filter((value) => isClose(0, value, { rtol, atol, equal_nan: false })).length,
  );
  const ratios = distances.flatMap((distance, i) => (distance > 0 ? [distance / Math.abs(expected[i])] : []));
  const most = Math.max(0, ...ratios);
  // A product decides whether to divide.
  if (relative[t] !== most) expect(relative[t] / most).toBeCloseTo(1, 14);
}

describe('a screening', () => {
  test.each(['generic', 'torch', 'f64'] as const)('finds what the envelope finds (%s)', async (name) => {
    const profile = PROFILES[name];
    // In float64 the envelope's own values are rounded as much as the reference is.
    const near = name === 'f64' ? 1 : NEAR;
    let told = 0;
    await fc.assert(
      fc.asyncProperty(anyNetwork(), fc.boolean(), async ({ network, sequence }, isKnown) => {
        const { module } = network;
        const { steps, batch, lengths } = sequence;
        const width = directionsOf(module).length * outputSize(module);
        const reference = await referenceOf(network, sequence, profile);
        const outputs = await screened(network, sequence, isKnown ? reference : undefined, profile);
        const found = outputs?.screened;
        if (!outputs || !found?.isTold) return;
        told++;
        const last = network.layers.length - 1;
        const known = network.layers.map((_, layer) =>
          isKnown && layer === last ? { values: reference } : undefined,
        );
        const options = { profile, model: 'likely', known, speed: SPEED } as const;
        const { layers, h_n, c_n } = envelope(network, sequence, options);
        const { values, error, undecided } = layers[last];
        expect(undecided).not.toContain(1);
        if (isKnown) {
          const sigmas = reference.map((value, i) =>
            value === values[i] ? 0 : Math.abs(value - values[i]) / error[i],
          );
          for (let t = 0; t < steps; t++) {
            const row = sigmas.slice(t * batch * width, (t + 1) * batch * width);
            expectNear(found.farthest[t], Math.max(...row), `step ${t}`, near);
            const inStep = [reference, outputs.output].map((all) =>
              Array.from(all.slice(t * batch * width, (t + 1) * batch * width)),
            );
            expectDifferences(found.differences, t, inStep[0], inStep[1]);
          }
          for (let i = 0; near === NEAR && i < batch * width; i++) {
            let [sum, count] = [0, 0];
            for (let t = 0; t < (lengths?.[Math.floor(i / width)] ?? steps); t++) {
              sum += sigmas[t * batch * width + i] ** 2;
              if (sigmas[t * batch * width + i] > 0) count++;
            }
            expectNear(found.squares[i], sum, `unit ${i}`);
            expect(Math.abs(found.counts[i] - count), `unit ${i}`).toBeLessThanOrEqual(1);
          }
        }
        const compareStates = (own: Floats, more: Floats, variances: Floats, spread: Spread) => {
          for (const [i, sigma] of spread.error.entries()) {
            const difference = own[i] + more[i] - spread.values[i];
            // What relu makes zero has no rounding.
            if (sigma === 0) {
              expect([variances[i], difference]).toEqual([0, 0]);
              continue;
            }
            expectNear((profile.store * Math.sqrt(variances[i])) / sigma, 1, `σ of ${i}`);
            expectNear(difference / sigma, 0, `value ${i}`, near);
          }
        };
        compareStates(outputs.h_n, found.dh, found.hV, h_n);
        if (c_n) compareStates(outputs.c_n!, found.dc, found.cV, c_n);
      }),
      { numRuns: 300 },
    );
    expect(told).toBeGreaterThan(90);
  });

  // Each is as it should be but for one thing.
  const module = moduleOf('LSTM', { hidden_size: 9, input_size: 5 });
  const sequence = sequenceOf(module, 12, 3, 1);
  const network = networkOf(module, 1);

  test('tells a reference of float32, and no value that is beyond the limit', async () => {
    const reference = await referenceOf(network, sequence, PROFILES.generic);
    const tells = async (expected: Floats) => (await screened(network, sequence, expected))!.screened!.isTold;
    expect(await tells(reference)).toBe(true);
    const { layers } = envelope(network, sequence, {
      profile: PROFILES.generic,
      model: 'likely',
      known: [{ values: reference }],
    });
    for (const i of [0, 100, 26 * 9 + 8]) {
      // A value of the last step is not the beginning of another.
      const at = i < 200 ? i : reference.length - 1;
      const off = (sigmas: number) =>
        reference.map((value, k) => (k === at ? layers[0].values[at] + sigmas * layers[0].error[at] : value));
      expect(await tells(off(5.8)), `value ${at}`).toBe(true);
      expect(await tells(off(6.1)), `value ${at}`).toBe(false);
      expect(await tells(off(Number.NaN)), `value ${at}`).toBe(false);
      expect(await tells(off(Number.POSITIVE_INFINITY)), `value ${at}`).toBe(false);
    }
  });

  test.each(['RNN', 'GRU', 'LSTM'] as const)('of %s leaves what float32 cannot tell', async (kind) => {
    const own = moduleOf(kind, { hidden_size: 9, input_size: 5 });
    const drawn = networkOf(own, 2);
    const tells = async (changed: Partial<Sequence>, weights = drawn) => {
      const other = { ...sequenceOf(own, 12, 3, 2), ...changed };
      const { output } = await forwardPass(weights, other);
      return (await screened(weights, other, output))!.screened!.isTold;
    };
    const input = sequenceOf(own, 12, 3, 2).input;
    const times = (factor: number) => ({ input: input.map((value) => value * factor) });
    const withWeights = (change: (value: number, i: number) => number): Network => ({
      ...drawn,
      layers: drawn.layers.map((directions) =>
        directions.map((parameters) => ({ ...parameters, weightIh: parameters.weightIh.map(change) })),
      ),
    });
    expect(await tells({})).toBe(true);
    expect(await tells(times(1e6))).toBe(false);
    expect(await tells({ input: input.map((value, i) => (i === 7 ? Number.NaN : value)) })).toBe(false);
    expect(
      await tells({ input: input.map((value, i) => (i === 7 ? Number.POSITIVE_INFINITY : value)) }),
    ).toBe(false);
    // Nothing but zeros: without biases there is no rounding at all.
    const { biasIh: _, biasHh: __, ...weights } = drawn.layers[0][0];
    const unbiased = { module: { ...own, bias: false }, layers: [[weights]] };
    expect(await tells(times(0), unbiased)).toBe(false);
    expect(await tells(times(1e-25), unbiased)).toBe(false);
    // An infinite weight saturates a gate, so that no value shows it.
    const infinite = withWeights((value, i) => (i === 3 ? Number.POSITIVE_INFINITY : value));
    expect(await tells({ input: input.map(Math.abs) }, infinite)).toBe(false);
  });

  test('is not made of what it could not tell', () => {
    const screen = (
      changed: Parameters<typeof moduleOf>[1],
      profile: Profile = PROFILES.generic,
      known = true,
    ) => {
      const other = moduleOf(changed?.proj_size ? 'LSTM' : 'RNN', { hidden_size: 4, ...changed });
      const ofOther = sequenceOf(other, 3, 1, 1);
      const expected = new Float64Array(3 * outputSize(other));
      return screenOf(networkOf(other, 1), ofOther, profile, known ? knownAs(expected) : undefined, SPEED);
    };
    expect(screen({})).toBeDefined();
    expect(screen({ proj_size: 2 })).toBeUndefined();
    expect(screen({}, PROFILES.bf16)).toBeUndefined();
    expect(screen({}, PROFILES.f16)).toBeUndefined();
    expect(screen({}, PROFILES.cudnn)).toBeUndefined();
    // Without limits, errors of what runs free may add up in step.
    expect(screen({ nonlinearity: 'relu' })).toBeDefined();
    expect(screen({ nonlinearity: 'relu' }, PROFILES.generic, false)).toBeUndefined();
    expect(screen({ nonlinearity: 'relu', num_layers: 2 })).toBeUndefined();
    // So do those of twins.
    const twins = networkOf(moduleOf('RNN', { hidden_size: 2, bias: false }), 1);
    const [[{ weightIh, weightHh }]] = twins.layers;
    const same = { ...twins, layers: [[{ weightIh: weightIh.fill(1), weightHh: weightHh.fill(0) }]] };
    const short = sequenceOf(twins.module, 3, 1, 1);
    expect(screenOf(same, short, PROFILES.generic, knownAs(new Float64Array(6)), SPEED)).toBeDefined();
    expect(screenOf(same, short, PROFILES.generic, undefined, SPEED)).toBeUndefined();
  });

  test('needs kernels that have it', async () => {
    const reference = knownAs(await referenceOf(network, sequence, PROFILES.generic));
    expect(screenOf(network, sequence, PROFILES.generic, reference, { kernels: 'plain' })).toBeUndefined();
    // So little work gets plain kernels.
    expect(screenOf(network, sequence, PROFILES.generic, reference, {})).toBeUndefined();
    const screen = screenOf(network, sequence, PROFILES.generic, reference, SPEED);
    const { screened } = await forwardPass(network, sequence, { screen, speed: { kernels: 'plain' } });
    expect(screened!.isTold).toBe(false);
  });
});
