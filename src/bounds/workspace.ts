import type { Factor, Kernels, Product, Workspace } from '../engine/kernels/kernels.js';
import { carriesCell, KINDS } from '../kinds.js';
import type { Parameters } from '../module/bind.js';
import { type Module, outputSize } from '../module/parameters.js';
import type { Floats, Precision } from '../tensor/dtype.js';
import type { ErrorModel } from './model.js';

/** The properties of a layer, in one direction, that its products depend on. */
export interface LayerFacts {
  readonly kernels: Kernels;
  readonly model: ErrorModel;
  readonly module: Module;
  readonly parameters: Parameters;
  /** Half-width of the interval in which each parameter lies; absent where they are exact. */
  readonly uncertainty?: Parameters;
  readonly batch: number;
  readonly input_size: number;
  /** The errors of the input [steps, batch, input_size]; absent where it is exact. */
  readonly inputError?: Floats;
  /** Samples of these errors, which stand for them [steps, batch, input_size]. */
  readonly inputSamples?: readonly Floats[];
  /** Group numbers (twins.ts) of the input's columns, of the hidden units and of the outputs. */
  readonly inputTwins?: readonly number[];
  readonly unitTwins?: readonly number[];
  readonly outputTwins?: readonly number[];
  /** What h is rounded to before it is multiplied, where it is stored wider. */
  readonly state?: Precision;
  /** Known outputs, from which every step begins; see layer.ts. */
  readonly known?: { readonly values: Floats; readonly error?: Floats };
}

/** Computes `out = W x + b` and, before it is stored, the error of it. */
type ErrorProduct = (
  out: Floats,
  outError: Floats,
  x: Floats,
  xError: Floats | undefined,
  rows: number,
) => void;

/**
 * The products and buffers of a layer.
 * @param inputRows the largest number of rows of W_ih x
 * @param hiddenRows the largest number of rows of W_hh h
 */
export function errorWorkspace(layer: LayerFacts, inputRows: number, hiddenRows: number) {
  const { kernels, model, module, batch, input_size, inputError } = layer;
  const { hidden_size, proj_size, kind } = module;
  const size = outputSize(module);
  const columns = KINDS[kind].gates.length * hidden_size;
  const terms = termsOf(layer);
  const cellValues = carriesCell(kind) ? batch * hidden_size : 0;
  const operandLength = Math.max(inputRows * input_size, hiddenRows * size, batch * hidden_size);
  const { products, buffers, varianceStep } = kernels.workspace(layerFactors(layer, hiddenRows), {
    x: inputRows * input_size, // [inputRows, input_size]
    xError: inputError ? inputRows * input_size : 0,
    firstOperand: operandLength, // inputs of the products that give errors
    secondOperand: operandLength,
    gates: inputRows * columns, // [inputRows, gates·hidden]
    gatesError: inputRows * columns,
    sampled: layer.inputSamples ? inputRows * columns : 0, // what one sample adds to the sums
    sampledError: layer.inputSamples ? inputRows * columns : 0, // the mean square of that over all samples
    secondError: Math.max(inputRows, hiddenRows) * columns, // the second product that gives an error
    hidden: hiddenRows * columns, // [hiddenRows, gates·hidden]
    hiddenError: hiddenRows * columns,
    h: hiddenRows * size, // [hiddenRows, output size]
    hError: hiddenRows * size,
    operandH: layer.state ? hiddenRows * size : 0, // h as it is multiplied
    operandHError: layer.state ? hiddenRows * size : 0,
    cellH: proj_size ? batch * hidden_size : 0, // [batch, hidden]: h before its projection
    cellHError: proj_size ? batch * hidden_size : 0,
    c: cellValues, // [batch, hidden]
    cError: cellValues,
    biasError: columns, // [gates·hidden]
  });
  const product = (name: string, inputs: number, outputs: number, sumTerms: number) =>
    errorProduct(model, products, buffers, name, inputs, outputs, sumTerms);
  const projection = product('projection', hidden_size, proj_size, hidden_size);
  return {
    buffers,
    varianceStep,
    products: {
      input: product('input', input_size, columns, terms),
      hidden: product('hidden', size, columns, terms),
      /** W_ih e of an error e of the input. */
      inputSample: products.inputSample as Product | undefined,
      /** h = W_hr h' after storing it. */
      projection: (h: Floats, hError: Floats, cellH: Floats, cellHError: Floats, rows: number) => {
        projection(h, hError, cellH, cellHError, rows);
        for (let i = 0; i < rows * proj_size; i++) hError[i] = model.projected(h[i], hError[i], hidden_size);
      },
    },
  };
}

/** The number of terms in the sums that activations take: n in docs/numerics.md. */
export function termsOf({ module, input_size }: Pick<LayerFacts, 'module' | 'input_size'>): number {
  return input_size + outputSize(module) + 4;
}

/**
 * The factors of W_ih x, W_hh h and W_hr h' and of their errors: `input` and, for the first and second product that
 * give its error, `inputFirst` and `inputSecond`; `hidden` and `projection` alike.
 */
function layerFactors(layer: LayerFacts, hiddenRows: number): Record<string, Factor> {
  const { model, module, parameters, uncertainty, batch, inputError, known } = layer;
  const { weightIh, weightHh, biasIh, biasHh, weightHr } = parameters;
  const { hidden_size, proj_size, kind } = module;
  const columns = KINDS[kind].gates.length * hidden_size;
  const terms = termsOf(layer);
  const named = (
    name: string,
    factor: Factor,
    sumTerms: number,
    inexact: boolean,
    parameter: 'Ih' | 'Hh' | 'Hr',
    twins: readonly number[] | undefined,
  ): Record<string, Factor> => {
    const { weight, bias, rows } = factor;
    const { first, second } = model.factors(weight, bias, factor.columns, sumTerms, inexact, {
      twins,
      uncertainty: uncertainty && {
        weight: uncertainty[`weight${parameter}`]!,
        bias: parameter === 'Hr' ? undefined : uncertainty[`bias${parameter}`],
      },
    });
    return {
      [name]: factor,
      [`${name}First`]: { ...first, columns: factor.columns, rows },
      ...(second && { [`${name}Second`]: { ...second, columns: factor.columns, rows } }),
    };
  };
  const input: Factor = { weight: weightIh, bias: biasIh, columns, rows: 'many' };
  const hidden: Factor = { weight: weightHh, bias: biasHh, columns, rows: hiddenRows > 1 ? 'many' : 'one' };
  const hiddenInexact = known === undefined || known.error !== undefined;
  return {
    ...named('input', input, terms, inputError !== undefined, 'Ih', layer.inputTwins),
    ...(layer.inputSamples && { inputSample: { weight: weightIh, columns, rows: 'many' } }),
    ...named('hidden', hidden, terms, hiddenInexact, 'Hh', layer.outputTwins),
    ...(weightHr &&
      named(
        'projection',
        { weight: weightHr, columns: proj_size, rows: batch > 1 ? 'many' : 'one' },
        hidden_size,
        true,
        'Hr',
        layer.unitTwins,
      )),
  };
}

/** The product `name` from `inputs` to `outputs` values, together with the products that give its error. */
function errorProduct(
  model: ErrorModel,
  products: Workspace<never>['products'],
  buffers: Readonly<Record<'firstOperand' | 'secondOperand' | 'secondError', Floats>>,
  name: string,
  inputs: number,
  outputs: number,
  terms: number,
): ErrorProduct {
  const product = products[name];
  const first = products[`${name}First`];
  const second = products[`${name}Second`] as Product | undefined;
  const { firstOperand, secondOperand, secondError } = buffers;
  return (out, outError, x, xError, rows) => {
    product(out, x, rows);
    model.operands(x, xError, rows * inputs, terms, firstOperand, second && secondOperand);
    first(outError, firstOperand, rows);
    if (!second) return;
    second(secondError, secondOperand, rows);
    for (let i = 0; i < rows * outputs; i++) outError[i] += secondError[i];
  };
}
