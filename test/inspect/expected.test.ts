import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inspect } from '../../src/inspect/inspect.js';
import { traced, traceName } from '../../src/kinds.js';
import { caseOf, type ExpectedRole } from '../../src/module/case.js';
import { directionsOf, outputSize } from '../../src/module/parameters.js';
import { tensor } from '../../src/tensor/tensor.js';
import { oracle } from '../engine/oracle.js';
import { anyNetwork, weightsOf } from '../engine/random-network.js';

// What a reference's own numbers are off by, so that each says which tensor it comes from.
const OFF = { output: 100, h_n: 1000, c_n: 10_000 };

test('what is expected stands at its own layer, direction, step, row and unit, and nowhere else', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyNetwork(),
      fc.subarray<ExpectedRole>(['output', 'h_n', 'c_n']),
      async ({ network, sequence }, roles) => {
        const { module } = network;
        const { steps, batch, lengths } = sequence;
        const directions = directionsOf(module);
        const stack = module.num_layers * directions.length;
        const size = outputSize(module);
        const truth = oracle(network, sequence);
        const shapes = {
          output: [steps, batch, directions.length * size],
          h_n: [stack, batch, size],
          c_n: [stack, batch, module.hidden_size],
        };
        const given = roles.filter((role) => role !== 'c_n' || module.kind === 'LSTM');
        const references = given.map((role) => {
          const data = truth[role].map((value) => value + OFF[role]);
          return [role, tensor(shapes[role], data, 'F64')] as const;
        });
        const loaded = caseOf(weightsOf(network), {
          input: tensor([steps, batch, module.input_size], sequence.input, 'F64'),
          h_0: sequence.h0 && tensor([stack, batch, size], sequence.h0, 'F64'),
          c_0: sequence.c0 && tensor([stack, batch, module.hidden_size], sequence.c0, 'F64'),
          lengths: lengths && tensor([batch], [...lengths], 'I64'),
          ...Object.fromEntries(references),
        });
        const { kind, nonlinearity } = module;
        const { parts } = await inspect(loaded, {
          module: kind,
          nonlinearity: kind === 'RNN' ? nonlinearity : undefined,
          batch_first: false,
          select: { batch: [{}] },
        });
        expect(parts.length).toBe(stack * traced(kind).length);
        for (const { layer, direction, name, size: units, expected } of parts) {
          const values = truth.trace[traceName(layer, direction, name)];
          for (let at = 0; at < steps * batch; at++) {
            const [step, row] = [Math.floor(at / batch), at % batch];
            const last = direction === 'forward' ? (lengths?.[row] ?? steps) - 1 : 0;
            const final = given.includes(`${name}_n` as ExpectedRole) && step === last;
            const whole = name === 'h' && layer === module.num_layers - 1 && given.includes('output');
            // Of two, the one that is farther off.
            const off = final ? OFF[`${name}_n` as ExpectedRole] : whole ? OFF.output : undefined;
            expect(expected?.known[at] ?? 0).toBe(off === undefined ? 0 : 1);
            for (let unit = 0; off !== undefined && unit < units; unit++) {
              const i = at * units + unit;
              expect(expected!.values[i]).toBe(values[i] + off);
              expect(expected!.far[i]).toBe(1);
            }
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
