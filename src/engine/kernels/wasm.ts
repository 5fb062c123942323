import type { Kind } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { Compute } from '../options.js';
import type { ErrorStep, Factor, GateStep, Kernels, Product, VarianceTerms } from './kernels.js';
import { mapValues, plainFloat32, plainFloat64 } from './plain.js';

/** A compiled build of wasm/ with memory of its own. */
export interface Engine {
  readonly memory: WebAssembly.Memory;
  readonly exports: WebAssembly.Instance['exports'];
}

const PAGE = 2 ** 16;
const VECTOR = 16;
const VARIANCE_TERMS = 8;

export function instantiate(module: WebAssembly.Module): Engine {
  const memory = new WebAssembly.Memory({ initial: 8 });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort: () => undefined } });
  return { memory, exports };
}

/** Whether the memory has, or could be given, so many bytes. */
function reserve(memory: WebAssembly.Memory, bytes: number): boolean {
  const missing = bytes - memory.buffer.byteLength;
  if (missing <= 0) return true;
  try {
    memory.grow(Math.ceil(missing / PAGE));
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const aligned = (bytes: number) => Math.ceil(bytes / VECTOR) * VECTOR;

/** The kernels in WebAssembly (wasm/), at work in an engine's memory: one forward pass at a time. */
export function wasmKernels({ memory, exports }: Engine, compute: Compute): Kernels {
  const type = compute === 'float64' ? 'f64' : 'f32';
  const ArrayOf = compute === 'float64' ? Float64Array : Float32Array;
  const { BYTES_PER_ELEMENT } = ArrayOf;
  const plain = compute === 'float64' ? plainFloat64 : plainFloat32;
  const product = exports[`product_${type}`];

  /** How a factor lies in memory: in panels of so many columns, in the order in which products read them. */
  function layout({ weight, columns, rows, squared }: Factor) {
    const size = weight.length / columns;
    // A product of one row reads more than it computes: float32 stays what it is.
    const narrow = rows === 'one' && weight instanceof Float32Array && !squared;
    const bytes = narrow ? Float32Array.BYTES_PER_ELEMENT : BYTES_PER_ELEMENT;
    const kept = narrow ? 'f32' : type;
    const width = exports[rows === 'one' ? `columns_${kept}_${type}` : `columns_${type}`]();
    const padded = Math.ceil(columns / width) * width;
    return {
      size,
      width,
      kept,
      panelBytes: width * size * bytes,
      bytes: aligned(padded * size * bytes),
      biasBytes: aligned(padded * BYTES_PER_ELEMENT),
      // One panel as the file has it.
      rawBytes: aligned(width * size * (squared ? Float64Array : weight).BYTES_PER_ELEMENT),
    };
  }

  /** Reading, widening and packing are one pass over the weights, panel by panel. */
  function packed(factor: Factor, panels: number, raw: number): Product {
    const { weight, bias, columns, rows, squared = false } = factor;
    const { size, width, kept, panelBytes, bytes, biasBytes } = layout(factor);
    const double = squared || weight instanceof Float64Array;
    const pack = exports[`pack_${double ? 'f64' : 'f32'}_${kept}`];
    const source = new (double ? Float64Array : Float32Array)(memory.buffer, raw, width * size);
    for (let column = 0, to = panels; column < columns; column += width, to += panelBytes) {
      const count = Math.min(width, columns - column);
      source.set(weight.subarray(column * size, (column + count) * size));
      if (squared) for (let i = 0; i < count * size; i++) source[i] *= source[i];
      pack(to, raw, count, size, width);
    }
    const biasAt = panels + bytes;
    const biases = new ArrayOf(memory.buffer, biasAt, biasBytes / BYTES_PER_ELEMENT).fill(0);
    if (bias) biases.set(bias);
    if (rows === 'many')
      return (out, x, count) => product(out.byteOffset, x.byteOffset, count, size, panels, columns, biasAt);
    const single = exports[`single_${kept}_${type}`];
    return (out, x, count) => {
      for (let row = 0; row < count; row++) {
        const to = out.byteOffset + row * columns * BYTES_PER_ELEMENT;
        single(to, x.byteOffset + row * size * BYTES_PER_ELEMENT, size, panels, columns, biasAt);
      }
    };
  }

  function gateStep(kind: Kind): (work: GateStep) => void {
    const kernel = exports[`${kind.toLowerCase()}_${type}`];
    return ({ rows, hidden_size, gates, gatesAt, hidden, h, c, nonlinearity }) => {
      const at = gates.byteOffset + gatesAt * BYTES_PER_ELEMENT;
      const last = kind === 'RNN' ? (nonlinearity === 'relu' ? 1 : 0) : c.byteOffset;
      kernel(rows, hidden_size, at, hidden.byteOffset, h.byteOffset, last);
    };
  }

  /** In float64 only; `at` is where the terms are handed over. */
  function varianceStep(kind: Kind, at: number): (work: ErrorStep, terms: VarianceTerms) => void {
    const kernel = exports[`${kind.toLowerCase()}_variances`];
    return (step, { sigmas, part, rounding, biases, tanh, sigmoid, sigmoidAbsolute, floor }) => {
      const place = new Float64Array(memory.buffer, at, VARIANCE_TERMS);
      place.set([sigmas, part, rounding, biases, tanh, sigmoid, sigmoidAbsolute, floor]);
      const { rows, hidden_size, gates, hidden, gatesError, hiddenError, bias, h, hError, c, cError } = step;
      const offset = step.at * BYTES_PER_ELEMENT;
      const hiddenOffset = step.hiddenAt * BYTES_PER_ELEMENT;
      kernel(
        rows,
        hidden_size,
        gates.byteOffset + offset,
        hidden.byteOffset + hiddenOffset,
        gatesError.byteOffset + offset,
        hiddenError.byteOffset + hiddenOffset,
        bias.byteOffset,
        at,
        h.byteOffset,
        hError.byteOffset,
        kind === 'RNN' ? (step.nonlinearity === 'relu' ? 1 : 0) : c.byteOffset,
        cError.byteOffset,
      );
    };
  }

  return {
    store: plain.store,
    allocate: plain.allocate,
    workspace(factors, lengths) {
      const layouts = mapValues(factors, layout);
      const raw = aligned(exports.free());
      let at = raw + Object.values(layouts).reduce((most, { rawBytes }) => Math.max(most, rawBytes), 0);
      const places = mapValues(layouts, ({ bytes, biasBytes }) => {
        const place = at;
        at += bytes + biasBytes;
        return place;
      });
      const starts = mapValues(lengths, (length: number) => {
        const start = at;
        // The last vector of a buffer may reach beyond it.
        at += aligned(length * BYTES_PER_ELEMENT) + VECTOR;
        return start;
      });
      const terms = at;
      if (compute === 'float64') at += aligned(VARIANCE_TERMS * BYTES_PER_ELEMENT);
      // A layer that is too large for the 4 GiB of a WebAssembly memory is computed all the same.
      if (!reserve(memory, at)) return plain.workspace(factors, lengths);
      const buffer = (name: keyof typeof starts): Floats =>
        new ArrayOf(memory.buffer, starts[name], lengths[name]);
      const names = Object.keys(lengths) as (keyof typeof starts)[];
      return {
        products: Object.fromEntries(
          Object.entries(factors).map(([name, factor]) => [name, packed(factor, places[name], raw)]),
        ),
        buffers: Object.fromEntries(names.map((name) => [name, buffer(name)])) as Record<
          keyof typeof starts,
          Floats
        >,
        gateStep: { RNN: gateStep('RNN'), GRU: gateStep('GRU'), LSTM: gateStep('LSTM') },
        ...(compute === 'float64' && {
          varianceStep: {
            RNN: varianceStep('RNN', terms),
            GRU: varianceStep('GRU', terms),
            LSTM: varianceStep('LSTM', terms),
          },
        }),
      };
    },
  };
}
