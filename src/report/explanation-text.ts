import type { Dot, GateExplanation, StepExplanation } from '../inspect/explain.js';
import { added, addends, decimalsFor, fixed } from './terminal/addends.js';
import { flow } from './terminal/flow.js';
import { formatDifference, formatValue } from './terminal/numbers.js';
import type { Style, Terminal } from './terminal/style.js';
import { INDENT, renderTable } from './terminal/table.js';

/** Of a sum of more products the largest are shown, and the others as one. */
const FEW_TERMS = 8;
const LARGEST_TERMS = 4;
/** Vectors of more values are not written out. */
const FEW_VALUES = 8;

const SYMBOLS = { sigmoid: 'σ', tanh: 'tanh', relu: 'relu' } as const;

/** One step of one unit, in the equations of PyTorch's documentation with the numbers put in. */
export function explanationText(explanation: StepExplanation, terminal: Terminal, style: Style): string {
  const { layer, direction, step, batch, unit, gates } = explanation;
  const title = `layer ${layer} ${direction}, step ${step}, batch ${batch}, unit ${unit}`;
  return [
    [INDENT + style.strong(title), ...vectorLines(explanation, terminal)].join('\n'),
    ...gates.map((gate) => gateText(gate, terminal, style)),
    ...stateTexts(explanation, terminal, style),
  ].join('\n\n');
}

function vectorLines(
  { x, h, after, initial, layer, cBefore }: StepExplanation,
  terminal: Terminal,
): string[] {
  const values = (vector: ArrayLike<number>) =>
    vector.length > FEW_VALUES ? `${vector.length} values` : `[${Array.from(vector, short).join(', ')}]`;
  const from =
    after === undefined ? (initial ? 'the initial state' : 'zeros, the initial state') : `of step ${after}`;
  return [
    `x = ${values(x)}${layer > 0 ? ', the layer below' : ''}`,
    `h = ${values(h)}, ${from}`,
    ...(cBefore === undefined ? [] : [`c = ${short(cBefore)}, likewise`]),
  ].map((line) => flow([INDENT + line], ' ', terminal, 6));
}

/** `r = σ(W_ir x + b_ir + W_hr h + b_hr)`, with numbers, and what its products are made of. */
function gateText(gate: GateExplanation, terminal: Terminal, style: Style): string {
  const { name, input, hidden, inputBias, hiddenBias, factor, sum, value } = gate;
  const symbol = SYMBOLS[gate.activation];
  const [inputName, hiddenName] = [`W_i${name} x`, `W_h${name} h`];
  const terms = [
    { text: inputName, value: input.sum },
    ...(inputBias === undefined ? [] : [{ text: `b_i${name}`, value: inputBias }]),
  ];
  const inner = [
    { text: hiddenName, value: hidden.sum },
    ...(hiddenBias === undefined ? [] : [{ text: `b_h${name}`, value: hiddenBias }]),
  ];
  const all = [...terms, ...inner].map((term) => term.value);
  const decimals = decimalsFor([...all, sum]);
  const words = (group: typeof terms) => group.map(({ text }) => text).join(' + ');
  const formula = factor ? `${words(terms)} + ${factor.name} (${words(inner)})` : words([...terms, ...inner]);

  // Every number is rounded to one of its two neighbours, so that those that are printed add up.
  let shown: { numbers: string[]; steps: string[] };
  if (factor) {
    const innerSum = inner.reduce((total, term) => total + term.value, 0);
    const innerNumbers = addends(
      inner.map((term) => term.value),
      innerSum,
      decimals,
    );
    const outer = addends([...terms.map((term) => term.value), factor.value * innerSum], sum, decimals);
    const own = outer.slice(0, -1);
    const times = `${alone(factor.value)} (${added(innerNumbers)})`;
    shown = {
      numbers: [...own, ...innerNumbers],
      steps: [`${added(own)} + ${times}`, added(outer), fixed(sum, decimals)],
    };
  } else {
    const numbers = addends(all, sum, decimals);
    shown = { numbers, steps: [added(numbers), fixed(sum, decimals)] };
  }
  const { numbers, steps } = shown;
  const chain = [...steps.map((step) => `${symbol}(${step})`), fixed(value, decimals)];
  const inputText = numbers[0];
  const hiddenText = numbers[terms.length];
  return [
    flow(
      [INDENT + style.strong(`${name} = ${symbol}(${formula})`), style.dim(rowText(input))],
      '   ',
      terminal,
      4,
    ),
    flow([`${INDENT}  = ${chain[0]}`, ...chain.slice(1).map((text) => `= ${text}`)], ' ', terminal, 4),
    '',
    productsText(
      [
        { symbol: inputName, dot: input, vector: 'x', total: inputText },
        { symbol: hiddenName, dot: hidden, vector: 'h', total: hiddenText },
      ],
      decimals,
      style,
    ),
  ].join('\n');
}

/** `row 3 of *_l0`: of weight_ih_l0, weight_hh_l0 and their biases. */
function rowText({ row, parameter }: Dot): string {
  const end = parameter.replace('weight_ih', '');
  return `row ${row}${end && ` of *${end}`}`;
}

interface Product {
  /** `W_ir x` */
  readonly symbol: string;
  readonly dot: Dot;
  readonly vector: string;
  /** The sum as it is printed. */
  readonly total: string;
}

/** The products that sums are made of, with the weights' and the values' own numbers. */
function productsText(products: readonly Product[], decimals: number, style: Style): string {
  const rows = products.flatMap(({ symbol, dot: { weights, vector: values }, vector, total }) => {
    if (values.every((value) => value === 0)) return [[symbol, '', '', total, `${vector} is zero`]];
    const all = Array.from(weights, (weight, k) => weight * values[k]);
    const bySize = [...all.keys()].sort((a, b) => Math.abs(all[b]) - Math.abs(all[a]));
    const named = all.length > FEW_TERMS ? bySize.slice(0, LARGEST_TERMS) : [...all.keys()];
    const others = bySize.slice(named.length);
    const rest = others.reduce((sum, k) => sum + all[k], 0);
    const terms = [...named.map((k) => all[k]), ...(others.length ? [rest] : [])];
    const numbers = addends(terms, Number(total), decimals);
    return numbers.map((number, i) => {
      const head = i === 0 ? symbol : '';
      if (i === named.length) return [head, '', '', number, `the other ${others.length}`];
      const k = named[i];
      return [head, short(weights[k]), `· ${short(values[k])}`, number, `${vector}[${k}]`];
    });
  });
  const aligns = ['left', 'right', 'left', 'right', 'left'] as const;
  return renderTable(
    aligns.map((align) => ({ align })),
    rows,
    style,
  ).replace(/^/gm, INDENT + INDENT);
}

/** How c and h follow from the gates. */
function stateTexts(explanation: StepExplanation, terminal: Terminal, style: Style): string[] {
  const { module, gates, h, unit, cBefore, c, projection, value, expected } = explanation;
  const gate = (name: string) => gates.find((one) => one.name === name)!.value;
  const equation = (formula: string, steps: readonly string[], reference?: string) =>
    [
      INDENT + style.strong(formula),
      flow([`${INDENT}  = ${steps[0]}`, ...steps.slice(1).map((text) => `= ${text}`)], ' ', terminal, 4),
      ...(reference ? [flow([`${INDENT}    ${reference}`], ' ', terminal, 6)] : []),
    ].join('\n');
  const twoProducts = (
    formula: string,
    pairs: readonly (readonly [number, number])[],
    computed: number,
    reference?: string,
  ) => {
    const products = pairs.map(([a, b]) => a * b);
    const sum = products[0] + products[1];
    const decimals = decimalsFor([...products, sum]);
    const [first, second] = pairs.map(([a, b]) => `${alone(a)} · ${alone(b)}`);
    const numbers = addends(products, sum, decimals);
    const steps = [`${first} + ${second}`, added(numbers), kept(sum, computed, decimals)];
    return equation(formula, steps, reference);
  };
  const against = (actual: number, wanted: number | undefined) =>
    wanted === undefined
      ? undefined
      : `expected ${formatValue(wanted, 9, Number.POSITIVE_INFINITY)}, |Δ| ${formatDifference(actual === wanted ? 0 : Math.abs(actual - wanted))}`;

  if (module.kind === 'RNN') {
    const reference = against(value!, expected.h);
    return reference ? [INDENT + reference] : [];
  }
  if (module.kind === 'GRU') {
    const [z, n] = [gate('z'), gate('n')];
    return [
      twoProducts(
        'h = (1 − z) n + z h',
        [
          [1 - z, n],
          [z, h[unit]],
        ],
        value!,
        against(value!, expected.h),
      ),
    ];
  }
  const [i, f, g, o] = ['i', 'f', 'g', 'o'].map(gate);
  const cText = twoProducts(
    'c = f c + i g',
    [
      [f, cBefore!],
      [i, g],
    ],
    c!,
    against(c!, expected.c),
  );
  const product = (name: string, result: number, reference?: string) => {
    const tanh = Math.tanh(c!);
    const steps = [`${alone(o)} · tanh(${alone(c!)})`, `${alone(o)} · ${alone(tanh)}`, alone(result)];
    return equation(`${name} = o tanh(c)`, steps, reference);
  };
  if (!projection) return [cText, product('h', value!, against(value!, expected.h))];
  const { m, dot } = projection;
  if (!dot) {
    const size = module.proj_size;
    return [
      cText,
      product('m', m),
      `${INDENT}h = W_hr m has the units 0 to ${size - 1}; m[${unit}] is a part of each.`,
    ];
  }
  const decimals = decimalsFor([dot.sum]);
  const total = fixed(dot.sum, decimals);
  return [
    cText,
    product('m', m),
    `${equation('h = W_hr m', [kept(dot.sum, value!, decimals)], against(value!, expected.h))}\n\n${productsText([{ symbol: 'W_hr m', dot, vector: 'm', total }], decimals, style)}`,
  ];
}

/** A sum, and what a computation in float32 keeps of it where that is another number. */
function kept(sum: number, computed: number, decimals: number): string {
  const [exact, rounded] = [fixed(sum, decimals), fixed(computed, decimals)];
  return exact === rounded ? exact : `${exact}, computed as ${rounded}`;
}

/** A number that is no part of a sum. */
function alone(value: number): string {
  return fixed(value, decimalsFor([value]));
}

/** A number as it is written if that is short, else with seven digits. */
function short(value: number): string {
  if (!Number.isFinite(value)) return fixed(value, 0);
  for (let digits = 1; digits < 7; digits++) {
    const near = Number(value.toPrecision(digits));
    if (near === value || Math.fround(near) === value) return String(near);
  }
  return formatValue(value, 7, Number.POSITIVE_INFINITY);
}
