import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GateExplanation, StepExplanation } from '../../src/inspect/explain.js';
import { inspect } from '../../src/inspect/inspect.js';
import { caseOf } from '../../src/module/case.js';
import { outputSize } from '../../src/module/parameters.js';
import { explanationText } from '../../src/report/explanation-text.js';
import { added, addends, decimalsFor, fixed } from '../../src/report/terminal/addends.js';
import { styleFor } from '../../src/report/terminal/style.js';
import { stateDict } from '../../src/tensor/state-dict.js';
import { tensor } from '../../src/tensor/tensor.js';
import { anyNetwork, type Drawn, weightsOf } from '../engine/random-network.js';

const WIDE = { columns: 1000, color: false };

async function explained(
  { network, sequence }: Drawn,
  at: { step: number; unit: number; batch: number },
  compute: 'float64' | 'float32' = 'float64',
): Promise<readonly StepExplanation[]> {
  const { module } = network;
  const { steps, batch, input, h0, c0, lengths } = sequence;
  const states = network.layers.length * network.layers[0].length;
  const loaded = caseOf(weightsOf(network), {
    input: tensor([steps, batch, module.input_size], input, 'F64'),
    h_0: h0 && tensor([states, batch, outputSize(module)], h0, 'F64'),
    c_0: c0 && tensor([states, batch, module.hidden_size], c0, 'F64'),
    lengths: lengths && tensor([batch], [...lengths], 'I64'),
  });
  const { kind, nonlinearity } = module;
  const { explanations } = await inspect(loaded, {
    module: kind,
    nonlinearity: kind === 'RNN' ? nonlinearity : undefined,
    batch_first: false,
    compute,
    explain: true,
    select: { steps: [at.step], unit: [at.unit], batch: [at.batch] },
  });
  return explanations;
}

/** `a + b − c` as numbers; what stands in brackets is one of them. */
const numbersIn = (text: string) =>
  text.replaceAll(' − -', ' + ').replaceAll(' − ', ' + -').split(' + ').map(Number);

/** How many units of the last printed digit two texts differ by. */
function unitsApart(value: number, text: string): number {
  const decimals = text.split('.')[1]?.length ?? 0;
  return Math.abs(value - Number(text)) * 10 ** decimals;
}

function expectSum(terms: string, total: string): void {
  const numbers = numbersIn(terms);
  const words = `${terms} = ${total}`;
  if (words.includes('e')) {
    // With exponents, every number has seven digits of its own.
    const sizes = [...numbers, Number(total)].map(Math.abs);
    const apart = Math.abs(numbers.reduce((a, b) => a + b) - Number(total));
    expect(apart, words).toBeLessThanOrEqual(1e-5 * Math.max(...sizes));
    return;
  }
  // Decimal numbers have no exact sum in binary; in units of their last digit they have.
  const scale = 10 ** (total.split('.')[1]?.length ?? 0);
  const units = numbers.map((number) => Math.round(number * scale)).reduce((a, b) => a + b);
  expect(units - Math.round(Number(total) * scale), words).toBe(0);
}

const ACTIVATIONS: Record<string, (x: number) => number> = {
  σ: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  relu: (x) => Math.max(0, x),
};

function checkGate(block: string, { name, input, hidden, factor, inputBias, value }: GateExplanation): void {
  const lines = block.split('\n');
  const symbol = /= (\S+?)\(/.exec(lines[0])![1];
  const chain = lines[1].trim().replace(/^= /, '').split(' = ');
  const inside = (text: string) => text.slice(symbol.length + 1, -1);
  const result = chain[chain.length - 1];
  const sum = inside(chain[chain.length - 2]);
  const outer = inside(chain[chain.length - 3]);
  expectSum(outer, sum);
  expect(unitsApart(value, result)).toBeLessThan(0.51);
  const [inner] = [ACTIVATIONS[symbol](Number(sum))];
  expect(unitsApart(inner, result), `${symbol}(${sum}) = ${result}`).toBeLessThan(1.6);

  let [inputText, hiddenText] = ['', ''];
  if (factor) {
    // tanh(W_in x + b_in + r (W_hn h + b_hn)): r acts on the hidden part with its bias.
    expect(lines[0]).toMatch(
      inputBias === undefined
        ? 'n = tanh(W_in x + r (W_hn h))'
        : 'n = tanh(W_in x + b_in + r (W_hn h + b_hn))',
    );
    const [, own, r, within] = /^(.*) [+−] (\S+) \((.*)\)$/.exec(inside(chain[0]))!;
    const product = Number(r) * numbersIn(within).reduce((a, b) => a + b);
    const shown = outer.replaceAll(' − ', ' + -').split(' + ').at(-1)!;
    // Half a unit of r and of every number within.
    expect(unitsApart(product, shown)).toBeLessThan(3 + Math.abs(numbersIn(within).reduce((a, b) => a + b)));
    expect(numbersIn(outer).slice(0, -1)).toEqual(numbersIn(own));
    inputText = own.split(' ')[0];
    hiddenText = within.split(' ')[0];
  } else {
    const texts = outer.replaceAll(' − ', ' + -').split(' + ');
    inputText = texts[0];
    hiddenText = texts[inputBias === undefined ? 1 : 2];
  }
  // What the two products are made of adds up to them.
  const rows = lines
    .slice(3)
    .map((line) => /(-?[\d.]+) {2}(?:[xh]\[\d+\]|the other \d+|[xh] is zero)$/.exec(line)!);
  const hiddenAt = lines.slice(3).findIndex((line) => line.includes(`W_h${name} h`));
  for (const [part, total, dot] of [
    [rows.slice(0, hiddenAt), inputText, input],
    [rows.slice(hiddenAt), hiddenText, hidden],
  ] as const) {
    expect(part.length).toBeGreaterThan(0);
    expectSum(part.map(([, number]) => number).join(' + '), total);
    expect(unitsApart(dot.sum, total)).toBeLessThan(1.01);
  }
}

test('what is printed adds up to what is printed, for every kind, and is what the network computed', async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork(), fc.nat(), fc.nat(), fc.nat(), async (drawn, s, u, b) => {
      const { module } = drawn.network;
      const batch = b % drawn.sequence.batch;
      const step = s % (drawn.sequence.lengths?.[batch] ?? drawn.sequence.steps);
      const unit = u % module.hidden_size;
      const all = await explained(drawn, { step, unit, batch });
      expect(all.length).toBe(module.num_layers * (module.bidirectional ? 2 : 1));
      for (const explanation of all) {
        const text = explanationText(explanation, WIDE, styleFor(WIDE));
        const starts = explanation.gates.map(({ name }) =>
          text.search(new RegExp(`\n  ${name} = (σ|tanh|relu)\\(`)),
        );
        for (const [i, gate] of explanation.gates.entries()) {
          const end = text.slice(starts[i]).search(/\n\n {2}[a-z]\S* = |\n\n {2}expected/);
          checkGate(text.slice(starts[i] + 1, end < 0 ? undefined : starts[i] + end), gate);
        }
        const states = [...text.matchAll(/\n {2}([chm]) = (?!σ|relu|tanh)(.*)\n {4}= (.*)/g)];
        for (const [, name, formula, chain] of states) {
          const steps = chain.split(' = ');
          const result = steps[steps.length - 1];
          const value = { c: explanation.c, h: explanation.value, m: explanation.projection?.m }[name]!;
          expect(unitsApart(value, result)).toBeLessThan(0.51);
          if (!formula.includes('+')) continue;
          expectSum(steps[1], result);
          // (1 − z) n + z h and f c + i g: the products themselves, from numbers of so many digits.
          const products = steps[0].split(/ \+ /).map((product) => product.split(' · ').map(Number));
          const size = Math.max(1, ...products.flat().map(Math.abs));
          for (const [k, number] of steps[1].replaceAll(' − ', ' + -').split(' + ').entries()) {
            expect(unitsApart(products[k][0] * products[k][1], number)).toBeLessThan(1.6 + 2 * size);
          }
        }
        expect(states.length).toBe(
          { RNN: 0, GRU: 1, LSTM: module.proj_size && unit < module.proj_size ? 3 : 2 }[module.kind],
        );
      }
    }),
    { numRuns: 400 },
  );
});

test('in float32, too, what is printed adds up; what is kept of it stands beside', async () => {
  let [activations, products] = [0, 0];
  await fc.assert(
    fc.asyncProperty(anyNetwork(), fc.nat(), async (drawn, u) => {
      const { module } = drawn.network;
      const all = await explained(drawn, { step: 0, unit: u % module.hidden_size, batch: 0 }, 'float32');
      for (const explanation of all) {
        const text = explanationText(explanation, WIDE, styleFor(WIDE));
        for (const [, , terms, sum] of text.matchAll(/ (σ|tanh|relu)\(([^()]+)\) = \1\(([^()]+)\) = /g)) {
          activations++;
          expectSum(terms, sum);
        }
        for (const [, terms, sum] of text.matchAll(/ · \S+ = ([^=]+) = (\S+?)(?:, computed as \S+)?$/gm)) {
          if (terms.includes('·') || !terms.includes(' ')) continue;
          products++;
          expectSum(terms, sum);
        }
      }
    }),
    { numRuns: 200 },
  );
  expect(activations).toBeGreaterThan(200);
  expect(products).toBeGreaterThan(20);
});

test('of many products the largest stand by name, and the others as one', async () => {
  const drawn = fc
    .sample(anyNetwork(), { numRuns: 200, seed: 5 })
    .find(({ network: { module } }) => module.input_size === 9 && module.kind === 'LSTM')!;
  const [{ gates }] = await explained(drawn, { step: 0, unit: 0, batch: 0 });
  const [explanation] = await explained(drawn, { step: 0, unit: 0, batch: 0 });
  const text = explanationText(explanation, WIDE, styleFor(WIDE));
  const named = [...text.matchAll(/ (x\[\d\])$/gm)].slice(0, 4).map(([, name]) => name);
  const { weights, vector } = gates[0].input;
  const sizes = Array.from(weights, (weight, k) => [Math.abs(weight * vector[k]), `x[${k}]`] as const);
  expect(named).toEqual(
    sizes
      .sort(([a], [b]) => b - a)
      .slice(0, 4)
      .map(([, name]) => name),
  );
  expect(text).toContain('the other 5');
});

test('numbers add up whatever their size, or are left alone', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: -12, max: 3 }),
      (drawn, exponent) => {
        const values = drawn.map((value) => value * 10 ** exponent);
        const total = values.reduce((a, b) => a + b);
        const decimals = decimalsFor([...values, total]);
        const texts = addends(values, total, decimals);
        expectSum(added(texts), fixed(total, decimals));
        for (const [i, text] of texts.entries()) expect(unitsApart(values[i], text)).toBeLessThan(1.001);
      },
    ),
  );
  expect(addends([Number.NaN, 1], Number.NaN, 6)).toEqual(['NaN', '1.000000']);
  expect(addends([Number.POSITIVE_INFINITY, -1], Number.POSITIVE_INFINITY, 2)).toEqual(['inf', '-1.00']);
  expect(addends([1e300, 1], 1e300, 0)[1]).toBe('1');
  expect(fixed(-1e-9, 6)).toBe('0.000000');
  expect(added(['1', '-2', '3'])).toBe('1 − 2 + 3');
});

test('numbers of any size keep their digits', async () => {
  const text = async (weight: number, input: number) => {
    const dict = stateDict({
      weight_ih_l0: tensor([1, 1], [weight], 'F64'),
      weight_hh_l0: tensor([1, 1], [1], 'F64'),
    });
    const loaded = caseOf(dict, { input: tensor([2, 1, 1], [input, input], 'F64') });
    const select = { steps: [1], unit: [0] };
    const { explanations } = await inspect(loaded, { nonlinearity: 'relu', explain: true, select });
    return explanationText(explanations[0], WIDE, styleFor(WIDE));
  };
  expect(await text(1, 1e28)).toContain(
    '= relu(1.000000e28 + 1.000000e28) = relu(2.000000e28) = 2.000000e28',
  );
  expect(await text(1, 1e-31)).toContain(
    '= relu(1.000000e-31 + 1.000000e-31) = relu(2.000000e-31) = 2.000000e-31',
  );
  expect(await text(1, 1.5e-9)).toContain('= relu(0.000000001500 + 0.000000001500)');
  expect(await text(1, Number.NaN)).toContain('= relu(NaN + NaN) = relu(NaN) = NaN');
});
