import type { Direction } from '../kinds.js';
import { DTYPES, encode } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';

/** A tensor to be written, and what its dimensions mean. */
export interface SavedTensor extends Tensor {
  readonly name: string;
  /** What each dimension counts; a state is a layer in one direction. */
  readonly axes: readonly ('step' | 'batch' | 'state' | 'unit')[];
  /** The place of each index of the axis `state`, or the one place of the whole tensor; empty without either. */
  readonly places: readonly StatePlace[];
}

/** The layer and direction of a state. */
export interface StatePlace {
  readonly layer: number;
  readonly direction: Direction;
}

/** The text or bytes of a file in pieces, so that a large one is never in memory as a whole. */
type Pieces = Iterable<string | Uint8Array>;

/** Functions that write tensors, by the ending of the file. */
export const WRITERS: Readonly<Record<string, (tensors: readonly SavedTensor[]) => Pieces>> = {
  '.safetensors': safetensorsPieces,
  '.json': jsonPieces,
  '.csv': csvPieces,
};

/** The function that writes a file with this name; undefined where no format has its ending. */
export function writerFor(file: string): (typeof WRITERS)[string] | undefined {
  return Object.entries(WRITERS).find(([ending]) => file.toLowerCase().endsWith(ending))?.[1];
}

/** How many numbers are formatted at once. */
const PIECE = 2 ** 16;
/** How many numbers are passed on at once where their bytes need no formatting. */
const LARGE_PIECE = 2 ** 22;

function* safetensorsPieces(tensors: readonly SavedTensor[]): Pieces {
  let offset = 0;
  const entries = tensors.map(({ name, dtype, shape, data }) => {
    const begin = offset;
    offset += data.byteLength;
    return [name, { dtype, shape, data_offsets: [begin, offset] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  // The data begin on an 8-byte boundary, as the Rust library writes them.
  const padded = new Uint8Array(Math.ceil(header.length / 8) * 8).fill(32);
  padded.set(header);
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(padded.length), true);
  yield new Uint8Array(length.buffer);
  yield padded;
  for (const { data } of tensors) {
    for (let from = 0; from < data.length; from += LARGE_PIECE)
      yield encode(data.subarray(from, from + LARGE_PIECE));
  }
}

/** Unlike String(), keeps the sign of −0. */
const decimal = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

/** JSON has no literals for NaN and infinities; cellcheck reads these strings in their place. */
const jsonNumber = (value: number) => (Number.isFinite(value) ? decimal(value) : `"${value}"`);

function* jsonPieces(tensors: readonly SavedTensor[]): Pieces {
  yield '{\n';
  for (const [i, { name, dtype, shape, data }] of tensors.entries()) {
    const head = `"dtype": "${DTYPES[dtype].torch}", "shape": ${JSON.stringify(shape)}`;
    yield `${i ? ',\n' : ''}${JSON.stringify(name)}: { ${head}, "data": [`;
    for (let from = 0; from < data.length; from += PIECE) {
      yield (from ? ', ' : '') + Array.from(data.subarray(from, from + PIECE), jsonNumber).join(', ');
    }
    yield '] }';
  }
  yield '\n}\n';
}

/** One line for each value, with all of its indices. */
function* csvPieces(tensors: readonly SavedTensor[]): Pieces {
  yield 'name,layer,direction,step,batch,unit,value\n';
  for (const { name, shape, axes, data, places } of tensors) {
    let lines: string[] = [];
    for (const [i, value] of data.entries()) {
      const indices: Record<string, number> = {};
      let rest = i;
      for (let axis = axes.length - 1; axis >= 0; axis--) {
        indices[axes[axis]] = rest % shape[axis];
        rest = Math.floor(rest / shape[axis]);
      }
      const { state = 0, step = '', batch = 0, unit } = indices;
      const { layer, direction } = places[state] ?? { layer: '', direction: '' };
      lines.push([name, layer, direction, step, batch, unit, csvNumber(value)].join(','));
      if (lines.length === PIECE || i === data.length - 1) {
        yield `${lines.join('\n')}\n`;
        lines = [];
      }
    }
  }
}

/** As pandas, R and numpy read them. */
function csvNumber(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return decimal(value);
  return value > 0 ? 'inf' : '-inf';
}
