import { hasNonlinearity, type Kind } from '../../kinds.js';
import type { Floats } from '../../tensor/dtype.js';
import type { GateStep } from '../cells/gate-step.js';
import type { Compute } from '../options.js';
import {
  DIFFERENCE_NAMES,
  type ErrorStep,
  type Factor,
  type Kernels,
  type Product,
  rowRuns,
  type SampleStep,
  type ScreenKernels,
  type ScreenStep,
  type ScreenTerms,
  sizeOf,
  type VarianceTerms,
  type Workspace,
} from './kernels.js';
import { mapValues, plainFloat32, plainFloat64 } from './plain.js';

/** A compiled build of wasm/ with its own memory. */
export interface Engine {
  readonly memory: WebAssembly.Memory;
  readonly exports: WebAssembly.Instance['exports'];
}

/** `type`: the suffix that exported functions of this precision have. */
const PRECISIONS = {
  float64: { type: 'f64', ArrayOf: Float64Array, plain: plainFloat64 },
  float32: { type: 'f32', ArrayOf: Float32Array, plain: plainFloat32 },
} as const;
type Precision = (typeof PRECISIONS)[Compute];

const PAGE_BYTES = 2 ** 16;
const VECTOR_BYTES = 16;
/** In the order in which the kernels read them. */
const TERMS = [
  'sigmas',
  'affine',
  'rounding',
  'tanh',
  'tanhAbsolute',
  'sigmoid',
  'sigmoidAbsolute',
  'floor',
] as const satisfies readonly (keyof VarianceTerms)[];

const SCREEN_TERMS = [
  'reach',
  'affine',
  'rounding',
  'tanh',
  'tanhAbsolute',
  'sigmoid',
  'sigmoidAbsolute',
  'floor',
  'least',
  'most',
  'mostOfStates',
  'farthest',
  'perUnit',
] as const satisfies readonly (keyof ScreenTerms)[];

export function instantiate(module: WebAssembly.Module): Engine {
  const memory = new WebAssembly.Memory({ initial: 8 });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort: () => undefined } });
  return { memory, exports };
}

/**
 * The kernels in WebAssembly (wasm/). They use the engine's memory, so that one engine runs one forward pass at a time.
 */
export function wasmKernels(engine: Engine, compute: Compute): Kernels {
  const precision = PRECISIONS[compute];
  const { ArrayOf, plain } = precision;
  const { memory } = engine;
  return {
    store: plain.store,
    allocate: plain.allocate,
    workspace<B extends string, S extends string>(
      factors: Readonly<Record<string, Factor>>,
      lengths: Readonly<Record<B, number>>,
      singles = {} as Readonly<Record<S, number>>,
    ): Workspace<B, S> {
      const precisionOf = (factor: Factor) => PRECISIONS[factor.precision ?? compute];
      const layouts = mapValues(factors, (factor: Factor) => layoutOf(engine, precisionOf(factor), factor));
      const plan = planMemory(engine, precision, layouts, lengths, singles);
      // A layer beyond the 4 GiB of a WebAssembly memory is left to the plain kernels.
      if (!reserve(memory, plan.end)) return plain.workspace(factors, lengths, singles);
      const pack = (name: string) => {
        const factor = factors[name];
        return packedProduct(
          engine,
          precisionOf(factor),
          factor,
          layouts[name],
          plan.factorsAt[name],
          plan.stagingAt,
        );
      };
      const buffer = (name: B): Floats => new ArrayOf(memory.buffer, plan.buffersAt[name], lengths[name]);
      const varianceStepOf = (kind: Kind) => varianceStep(engine, kind, plan.termsAt);
      const bufferNames = Object.keys(lengths) as B[];
      const singleNames = Object.keys(singles) as S[];
      return {
        products: Object.fromEntries(Object.keys(factors).map((name) => [name, pack(name)])),
        buffers: Object.fromEntries(bufferNames.map((name) => [name, buffer(name)])) as Record<B, Floats>,
        singles: Object.fromEntries(
          singleNames.map((name) => [
            name,
            new Float32Array(memory.buffer, plan.singlesAt[name], singles[name]),
          ]),
        ) as Record<S, Float32Array>,
        screen: screenKernels(engine, plan.termsAt),
        gateStep: {
          RNN: gateStep(engine, precision, 'RNN'),
          GRU: gateStep(engine, precision, 'GRU'),
          LSTM: gateStep(engine, precision, 'LSTM'),
        },
        ...(compute === 'float64' && {
          varianceStep: {
            RNN: varianceStepOf('RNN'),
            GRU: varianceStepOf('GRU'),
            LSTM: varianceStepOf('LSTM'),
          },
        }),
      };
    },
  };
}

const aligned = (bytes: number) => Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;

/** Grows the memory to this many bytes. @returns false where that is impossible */
function reserve(memory: WebAssembly.Memory, bytes: number): boolean {
  const missing = bytes - memory.buffer.byteLength;
  if (missing <= 0) return true;
  try {
    memory.grow(Math.ceil(missing / PAGE_BYTES));
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * How a factor lies in memory. Its columns are divided into panels of `width` columns [width, size], each stored as
 * [size, width]: the order in which products read them. The last panel is padded with zeros.
 */
interface PanelLayout {
  readonly size: number;
  readonly width: number;
  /** Element type of the packed weights. */
  readonly stored: 'f32' | 'f64';
  readonly panelBytes: number;
  readonly weightBytes: number;
  readonly biasBytes: number;
  /** One panel before it is packed. */
  readonly stagingBytes: number;
}

function layoutOf({ exports }: Engine, { type, ArrayOf }: Precision, factor: Factor): PanelLayout {
  const { weight, columns, rows, squared } = factor;
  const size = sizeOf(factor);
  // Products of one row are limited by reading the weights, so that float32 weights stay float32.
  const narrow = rows === 'one' && weight instanceof Float32Array && !squared;
  const stored = narrow ? 'f32' : type;
  const storedBytes = narrow ? Float32Array.BYTES_PER_ELEMENT : ArrayOf.BYTES_PER_ELEMENT;
  const width = exports[rows === 'one' ? `columns_${stored}_${type}` : `columns_${type}`]();
  const padded = Math.ceil(columns / width) * width;
  return {
    size,
    width,
    stored,
    panelBytes: width * size * storedBytes,
    weightBytes: aligned(padded * size * storedBytes),
    biasBytes: aligned(padded * ArrayOf.BYTES_PER_ELEMENT),
    stagingBytes: aligned(width * size * stagingArray(factor, type).BYTES_PER_ELEMENT),
  };
}

/** What a panel is copied to before it is packed. Squares in float64 need its digits. */
function stagingArray({ weight, squared }: Pick<Factor, 'weight' | 'squared'>, type: Precision['type']) {
  const double =
    type === 'f64' ? squared || weight instanceof Float64Array : weight instanceof Float64Array && !squared;
  return double ? Float64Array : Float32Array;
}

/** Byte offsets of all that a workspace holds: staging, then factors, buffers and constants. */
function planMemory<F extends string, B extends string, S extends string>(
  { exports }: Engine,
  { ArrayOf }: Precision,
  layouts: Readonly<Record<F, PanelLayout>>,
  lengths: Readonly<Record<B, number>>,
  singles: Readonly<Record<S, number>>,
) {
  const stagingAt = aligned(exports.free());
  let end = stagingAt;
  const take = (bytes: number) => {
    const start = end;
    end += bytes;
    return start;
  };
  take(Math.max(0, ...Object.values<PanelLayout>(layouts).map(({ stagingBytes }) => stagingBytes)));
  const factorsAt = mapValues(layouts, (layout: PanelLayout) => take(layout.weightBytes + layout.biasBytes));
  // Kernels read whole vectors, so that the last one may reach beyond the buffer.
  const takeBuffer = (bytes: number) => take(aligned(bytes) + VECTOR_BYTES);
  const buffersAt = mapValues(lengths, (length: number) => takeBuffer(length * ArrayOf.BYTES_PER_ELEMENT));
  const singlesAt = mapValues(singles, (length: number) =>
    takeBuffer(length * Float32Array.BYTES_PER_ELEMENT),
  );
  const termsAt = take(aligned(TERMS.length * Float64Array.BYTES_PER_ELEMENT));
  return { stagingAt, factorsAt, buffersAt, singlesAt, termsAt, end };
}

/** Packs a factor into memory, panel by panel, widening float32 to float64 where needed, and gives its product. */
function packedProduct(
  { memory, exports }: Engine,
  { type, ArrayOf }: Precision,
  factor: Factor,
  { size, width, stored, panelBytes, weightBytes, biasBytes }: PanelLayout,
  panelsAt: number,
  stagingAt: number,
): Product {
  const { weight, bias, columns, rows, squared = false } = factor;
  const Staging = stagingArray(factor, type);
  const double = Staging === Float64Array;
  const pack = exports[`pack_${double ? 'f64' : 'f32'}_${stored}`];
  const staging = new Staging(memory.buffer, stagingAt, width * size);
  for (let column = 0, panelAt = panelsAt; column < columns; column += width, panelAt += panelBytes) {
    const count = Math.min(width, columns - column);
    let at = 0;
    for (const run of rowRuns(factor, column, count)) {
      staging.set(weight.subarray(run.from * size, (run.from + run.count) * size), at);
      at += run.count * size;
    }
    if (squared && type === 'f32') exports.squares(stagingAt, stagingAt, count * size, 1);
    else if (squared) for (let i = 0; i < count * size; i++) staging[i] *= staging[i];
    pack(panelAt, stagingAt, count, size, width);
  }
  const { BYTES_PER_ELEMENT } = ArrayOf;
  const biasAt = panelsAt + weightBytes;
  const biases = new ArrayOf(memory.buffer, biasAt, biasBytes / BYTES_PER_ELEMENT).fill(0);
  let at = 0;
  for (const run of bias ? rowRuns(factor, 0, columns) : []) {
    biases.set(bias!.subarray(run.from, run.from + run.count), at);
    at += run.count;
  }
  if (rows === 'many') {
    const product = exports[`product_${type}`];
    return (out, x, count) => product(out.byteOffset, x.byteOffset, count, size, panelsAt, columns, biasAt);
  }
  const single = exports[`single_${stored}_${type}`];
  return (out, x, count) => {
    for (let row = 0; row < count; row++) {
      const outAt = out.byteOffset + row * columns * BYTES_PER_ELEMENT;
      single(outAt, x.byteOffset + row * size * BYTES_PER_ELEMENT, size, panelsAt, columns, biasAt);
    }
  };
}

// A kernel's last argument says whether an RNN has relu, or is the address of an LSTM's c. GRU kernels have none of these:
// WebAssembly ignores surplus arguments.
function gateStep({ exports }: Engine, { type, ArrayOf }: Precision, kind: Kind): (step: GateStep) => void {
  const kernel = exports[`${kind.toLowerCase()}_${type}`];
  const choosesNonlinearity = hasNonlinearity(kind);
  const { BYTES_PER_ELEMENT } = ArrayOf;
  return ({ rows, hidden_size, gates, gatesAt, hidden, h, c, nonlinearity }) => {
    const gatesStart = gates.byteOffset + gatesAt * BYTES_PER_ELEMENT;
    const last = choosesNonlinearity ? (nonlinearity === 'relu' ? 1 : 0) : c.byteOffset;
    kernel(rows, hidden_size, gatesStart, hidden.byteOffset, h.byteOffset, last);
  };
}

/** float64 only. The terms are written to `termsAt`, where the kernel reads them. */
function varianceStep(
  { memory, exports }: Engine,
  kind: Kind,
  termsAt: number,
): (step: ErrorStep, terms: VarianceTerms) => void {
  const kernel = exports[`${kind.toLowerCase()}_variances`];
  const choosesNonlinearity = hasNonlinearity(kind);
  const { BYTES_PER_ELEMENT } = Float64Array;
  return (step, constants) => {
    const terms = new Float64Array(memory.buffer, termsAt, TERMS.length);
    terms.set(TERMS.map((name) => constants[name]));
    const { rows, hidden_size, gates, hidden, gatesError, hiddenError, biasError, h, hError, c, cError } =
      step;
    const gatesOffset = step.gatesAt * BYTES_PER_ELEMENT;
    const hiddenOffset = step.hiddenAt * BYTES_PER_ELEMENT;
    kernel(
      rows,
      hidden_size,
      gates.byteOffset + gatesOffset,
      hidden.byteOffset + hiddenOffset,
      gatesError.byteOffset + gatesOffset,
      hiddenError.byteOffset + hiddenOffset,
      biasError.byteOffset,
      termsAt,
      h.byteOffset,
      hError.byteOffset,
      choosesNonlinearity ? (step.nonlinearity === 'relu' ? 1 : 0) : c.byteOffset,
      cError.byteOffset,
    );
  };
}

/** The terms are written to `termsAt`, where the kernels read them. */
function screenKernels({ memory, exports }: Engine, termsAt: number): ScreenKernels {
  const { BYTES_PER_ELEMENT } = Float32Array;
  const { BYTES_PER_ELEMENT: DOUBLE } = Float64Array;
  const at = (buffer: Float32Array, index: number) => buffer.byteOffset + index * BYTES_PER_ELEMENT;
  let written: ScreenTerms | undefined;
  const write = (terms: ScreenTerms) => {
    if (written === terms) return;
    written = terms;
    new Float32Array(memory.buffer, termsAt, SCREEN_TERMS.length).set(
      SCREEN_TERMS.map((name) => terms[name]),
    );
  };
  const stepOf = (kind: Kind): ScreenKernels['step'][Kind] => {
    const kernel = exports[`${kind.toLowerCase()}_screen`];
    const own = {
      RNN: ({ nonlinearity }: ScreenStep) => [nonlinearity === 'relu' ? 1 : 0, 0, 0],
      GRU: ({ before, dBefore, beforeAt, stride }: ScreenStep) => [
        at(before, beforeAt),
        at(dBefore, beforeAt),
        stride,
      ],
      LSTM: ({ c, cAt, dc, cV }: ScreenStep) => [at(c, cAt), dc.byteOffset, cV.byteOffset],
    }[kind];
    return (step, terms) => {
      write(terms);
      const { rows, units, gatesAt } = step;
      const [one, two, three] = own(step);
      const isUnfit = kernel(
        rows,
        units,
        at(step.sumsX, gatesAt),
        at(step.sumsH, gatesAt),
        at(step.dSums, gatesAt),
        at(step.vX, gatesAt),
        at(step.vH, step.vHAt),
        step.biasesV.byteOffset,
        termsAt,
        step.dh.byteOffset,
        step.hV.byteOffset,
        one,
        two,
        three,
      );
      return isUnfit !== 0;
    };
  };
  const sampleOf = (kind: Kind): ScreenKernels['sample'][Kind] => {
    const kernel = exports[`${kind.toLowerCase()}_samples`];
    const own = {
      RNN: () => [],
      GRU: ({ step }: SampleStep) => [
        at(step.sumsH, step.gatesAt),
        at(step.vH, step.vHAt),
        step.biasesV.byteOffset,
        at(step.before, step.beforeAt),
        step.stride,
      ],
      LSTM: ({ step, c }: SampleStep) => [at(step.c, step.cAt), c.byteOffset],
    }[kind];
    return (sample, terms) => {
      write(terms);
      const { step, count, sums, h, ids, place } = sample;
      kernel(
        count,
        step.rows,
        step.units,
        at(step.sumsX, step.gatesAt),
        at(step.vX, step.gatesAt),
        sums.byteOffset,
        h.byteOffset,
        ids.byteOffset,
        place,
        termsAt,
        ...own(sample),
      );
    };
  };
  return {
    sample: { RNN: sampleOf('RNN'), GRU: sampleOf('GRU'), LSTM: sampleOf('LSTM') },
    step: { RNN: stepOf('RNN'), GRU: stepOf('GRU'), LSTM: stepOf('LSTM') },
    deviations: ({ rows, units, stride, dh, hV }, terms, d, index, sums, counts) => {
      write(terms);
      return exports.screen_deviations(
        rows,
        units,
        at(d, index),
        stride,
        dh.byteOffset,
        hV.byteOffset,
        sums.byteOffset,
        counts.byteOffset,
        termsAt,
      );
    },
    squares: (to, from, index, count, factor) => {
      exports.squares(to.byteOffset, at(from, index), count, factor);
    },
    differences: ({ before, after, last, reference, at: index, h, count, told }, closeness, row) => {
      const { rtol, atol, margin } = closeness;
      exports.differences(
        at(before, index),
        at(after, index),
        last.byteOffset,
        reference.byteOffset + index * DOUBLE,
        h.byteOffset,
        count,
        told.byteOffset + row * DIFFERENCE_NAMES.length * DOUBLE,
        rtol,
        atol,
        margin,
      );
    },
    narrow: (to, index, from, count) => {
      exports.narrow(at(to, index), from.byteOffset, count);
    },
  };
}
