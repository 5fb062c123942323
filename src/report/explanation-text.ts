import type { Dot, GateExplanation, StepExplanation } from '../inspect/explain.js';
import { added, addends, decimalsFor, fixed } from './terminal/addends.js';
import { flow } from './terminal/flow.js';
import { formatDifference, formatValue } from './terminal/numbers.js';
import type { Style, Terminal } from './terminal/style.js';
import { INDENT, renderTable } from './terminal/table.js';

/** A sum with more products than this is shown as its largest ones and the sum of the others. */
const FEW_TERMS = 8;
const LARGEST_TERMS = 4;
/** Longer vectors are not written out. */
const FEW_VALUES = 8;

const SYMBOLS = { sigmoid: 'σ', tanh: 'tanh', relu: 'relu' } as const;

/** One step of one unit in the equations of PyTorch's documentation, with their numbers. */
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
  { x, h, previousStep, hasInitial, layer, cBefore }: StepExplanation,
  terminal: Terminal,
): string[] {
  const values = (vector: ArrayLike<number>) =>
    vector.length > FEW_VALUES ? `${vector.length} values` : `[${Array.from(vector, short).join(', ')}]`;
  const origin =
    previousStep === undefined
      ? hasInitial
        ? 'the initial state'
        : 'zeros, the initial state'
      : `of step ${previousStep}`;
  return [
    `x = ${values(x)}${layer > 0 ? ', the layer below' : ''}`,
    `h = ${values(h)}, ${origin}`,
    ...(cBefore === undefined ? [] : [`c = ${short(cBefore)}, likewise`]),
  ].map((line) => flow([INDENT + line], ' ', terminal, 6));
}

/** A term of a gate's sum: `W_ir x`, or a bias. */
interface Term {
  readonly name: string;
  readonly value: number;
}

/** `r = σ(W_ir x + b_ir + W_hr h + b_hr)` with its numbers, and the products of its sums. */
function gateText(gate: GateExplanation, terminal: Terminal, style: Style): string {
  const { name, input, hidden, inputBias, hiddenBias, factor, sum, value } = gate;
  const symbol = SYMBOLS[gate.activation];
  const inputTerms = termsOf(`W_i${name} x`, input.sum, `b_i${name}`, inputBias);
  const hiddenTerms = termsOf(`W_h${name} h`, hidden.sum, `b_h${name}`, hiddenBias);
  const decimals = decimalsFor([...valuesOf([...inputTerms, ...hiddenTerms]), sum]);
  const { numbers, steps } = sumText(inputTerms, hiddenTerms, gate, decimals);
  const formula = factor
    ? `${namesOf(inputTerms)} + ${factor.name} (${namesOf(hiddenTerms)})`
    : namesOf([...inputTerms, ...hiddenTerms]);
  const chain = [...steps.map((step) => `${symbol}(${step})`), fixed(value, decimals)];
  return [
    flow(
      [INDENT + style.strong(`${name} = ${symbol}(${formula})`), style.dim(rowText(input))],
      '   ',
      terminal,
      4,
    ),
    chainText(chain, terminal),
    '',
    productsText(
      [
        { symbol: inputTerms[0].name, dot: input, vector: 'x', total: numbers[0] },
        { symbol: hiddenTerms[0].name, dot: hidden, vector: 'h', total: numbers[inputTerms.length] },
      ],
      decimals,
      style,
    ),
  ].join('\n');
}

function termsOf(product: string, value: number, biasName: string, bias: number | undefined): Term[] {
  return [{ name: product, value }, ...(bias === undefined ? [] : [{ name: biasName, value: bias }])];
}

function valuesOf(terms: readonly Term[]): number[] {
  return terms.map(({ value }) => value);
}

function namesOf(terms: readonly Term[]): string {
  return terms.map(({ name }) => name).join(' + ');
}

/**
 * The number of every term, and the steps in which they are added. Numbers are rounded so that the printed ones add up
 * to the printed sum.
 */
function sumText(
  inputTerms: readonly Term[],
  hiddenTerms: readonly Term[],
  { factor, sum }: GateExplanation,
  decimals: number,
): { numbers: string[]; steps: string[] } {
  const total = fixed(sum, decimals);
  if (!factor) {
    const numbers = addends(valuesOf([...inputTerms, ...hiddenTerms]), sum, decimals);
    return { numbers, steps: [added(numbers), total] };
  }
  const hiddenSum = hiddenTerms.reduce((partial, { value }) => partial + value, 0);
  const hiddenNumbers = addends(valuesOf(hiddenTerms), hiddenSum, decimals);
  const outerNumbers = addends([...valuesOf(inputTerms), factor.value * hiddenSum], sum, decimals);
  const inputNumbers = outerNumbers.slice(0, -1);
  const product = `${standalone(factor.value)} (${added(hiddenNumbers)})`;
  return {
    numbers: [...inputNumbers, ...hiddenNumbers],
    steps: [`${added(inputNumbers)} + ${product}`, added(outerNumbers), total],
  };
}

/** `= … = … = …` */
function chainText(steps: readonly string[], terminal: Terminal): string {
  const [first, ...others] = steps;
  return flow([`${INDENT}  = ${first}`, ...others.map((step) => `= ${step}`)], ' ', terminal, 4);
}

/** `row 3 of *_l0`: the row in weight_ih_l0, weight_hh_l0 and their biases. */
function rowText({ row, parameter }: Dot): string {
  const suffix = parameter.replace('weight_ih', '');
  return `row ${row}${suffix && ` of *${suffix}`}`;
}

interface Product {
  /** `W_ir x` */
  readonly symbol: string;
  readonly dot: Dot;
  readonly vector: string;
  /** The sum as it is printed. */
  readonly total: string;
}

/** The products of sums, each with its weight and its value. */
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

/** An equation of a state: its formula, the numbers step by step, and what the case expects. */
interface Equation {
  readonly formula: string;
  readonly steps: readonly string[];
  readonly expected?: string;
}

function equationText({ formula, steps, expected }: Equation, terminal: Terminal, style: Style): string {
  return [
    INDENT + style.strong(formula),
    chainText(steps, terminal),
    ...(expected ? [flow([`${INDENT}    ${expected}`], ' ', terminal, 6)] : []),
  ].join('\n');
}

/** How c and h follow from the gates. An RNN's gate is h itself, so that only what is expected is left to say. */
function stateTexts(explanation: StepExplanation, terminal: Terminal, style: Style): string[] {
  const { module, value, expected } = explanation;
  switch (module.kind) {
    case 'RNN': {
      const text = expectedText(value!, expected.h);
      return text ? [INDENT + text] : [];
    }
    case 'GRU':
      return [equationText(gruEquation(explanation), terminal, style)];
    case 'LSTM':
      return lstmTexts(explanation, terminal, style);
  }
}

function gruEquation({ gates, h, unit, value, expected }: StepExplanation): Equation {
  const [z, n] = ['z', 'n'].map((name) => gateValue(gates, name));
  return {
    formula: 'h = (1 − z) n + z h',
    steps: twoProducts([1 - z, n], [z, h[unit]], value!),
    expected: expectedText(value!, expected.h),
  };
}

function lstmTexts(explanation: StepExplanation, terminal: Terminal, style: Style): string[] {
  const { gates, cBefore, value, expected, projection } = explanation;
  const c = explanation.c!;
  const [i, f, g, o] = ['i', 'f', 'g', 'o'].map((name) => gateValue(gates, name));
  const cEquation: Equation = {
    formula: 'c = f c + i g',
    steps: twoProducts([f, cBefore!], [i, g], c),
    expected: expectedText(c, expected.c),
  };
  const outputEquation = (name: string, result: number, expected?: string): Equation => ({
    formula: `${name} = o tanh(c)`,
    steps: [
      `${standalone(o)} · tanh(${standalone(c)})`,
      `${standalone(o)} · ${standalone(Math.tanh(c))}`,
      standalone(result),
    ],
    expected,
  });
  const equations = projection
    ? [cEquation, outputEquation('m', projection.m)]
    : [cEquation, outputEquation('h', value!, expectedText(value!, expected.h))];
  return [
    ...equations.map((equation) => equationText(equation, terminal, style)),
    ...(projection ? [projectionText(explanation, projection.dot, terminal, style)] : []),
  ];
}

/** @param dot absent where h does not have the unit, because it has fewer units than m */
function projectionText(
  { module, unit, value, expected }: StepExplanation,
  dot: Dot | undefined,
  terminal: Terminal,
  style: Style,
): string {
  if (!dot) {
    const size = module.proj_size;
    return `${INDENT}h = W_hr m has the units 0 to ${size - 1}; m[${unit}] is a part of each.`;
  }
  const decimals = decimalsFor([dot.sum]);
  const total = fixed(dot.sum, decimals);
  const equation = {
    formula: 'h = W_hr m',
    steps: [sumAsComputed(dot.sum, value!, decimals)],
    expected: expectedText(value!, expected.h),
  };
  return [
    equationText(equation, terminal, style),
    productsText([{ symbol: 'W_hr m', dot, vector: 'm', total }], decimals, style),
  ].join('\n\n');
}

function gateValue(gates: readonly GateExplanation[], name: string): number {
  return gates.find((gate) => gate.name === name)!.value;
}

type Pair = readonly [number, number];

/** The steps of `a b + c d`. */
function twoProducts([a, b]: Pair, [c, d]: Pair, computed: number): string[] {
  const products = [a * b, c * d];
  const sum = products[0] + products[1];
  const decimals = decimalsFor([...products, sum]);
  return [
    `${standalone(a)} · ${standalone(b)} + ${standalone(c)} · ${standalone(d)}`,
    added(addends(products, sum, decimals)),
    sumAsComputed(sum, computed, decimals),
  ];
}

function expectedText(actual: number, expected: number | undefined): string | undefined {
  if (expected === undefined) return undefined;
  const size = actual === expected ? 0 : Math.abs(actual - expected);
  return `expected ${formatValue(expected, 9, Number.POSITIVE_INFINITY)}, |Δ| ${formatDifference(size)}`;
}

/** A sum, and its computed value where that is printed differently, as after a computation in float32. */
function sumAsComputed(sum: number, computed: number, decimals: number): string {
  const [exact, rounded] = [fixed(sum, decimals), fixed(computed, decimals)];
  return exact === rounded ? exact : `${exact}, computed as ${rounded}`;
}

/** A number that is not part of a sum. */
function standalone(value: number): string {
  return fixed(value, decimalsFor([value]));
}

/** A number with all of its digits if these are few, else with seven. */
function short(value: number): string {
  if (!Number.isFinite(value)) return fixed(value, 0);
  for (let digits = 1; digits < 7; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (rounded === value || Math.fround(rounded) === value) return String(rounded);
  }
  return formatValue(value, 7, Number.POSITIVE_INFINITY);
}
