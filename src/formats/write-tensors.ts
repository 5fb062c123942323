import type { Direction } from '../kinds.js';
import { DTYPES, encode } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';

/** A tensor to be written, and what its dimensions are. */
export interface SavedTensor extends Tensor {
  readonly name: string;
  /** Of each dimension; a state is a layer in one direction. */
  readonly axes: readonly ('step' | 'batch' | 'state' | 'unit')[];
  /** Where it is of one layer and direction only. */
  readonly layer?: number;
  readonly direction?: Direction;
  /** How a state's index is to be read. */
  readonly directions: readonly Direction[];
}

/** Text or bytes, piece by piece, so that a large file is never whole in memory. */
type Pieces = Iterable<string | Uint8Array>;

/** How tensors are written, by the ending of the file. */
export const WRITERS: Readonly<Record<string, (tensors: readonly SavedTensor[]) => Pieces>> = {
  '.safetensors': safetensorsPieces,
  '.json': jsonPieces,
  '.csv': csvPieces,
};

/** How a file is written, by its ending; undefined where that is none of ours. */
export function writerFor(file: string): (typeof WRITERS)[string] | undefined {
  return Object.entries(WRITERS).find(([ending]) => file.toLowerCase().endsWith(ending))?.[1];
}

const PIECE = 2 ** 16;
/** Of bytes that are there already. */
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

/** With the sign of −0, which String() leaves away. */
const decimal = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

/** JSON has no words for what is not finite; the same strings are read in tensors. */
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

/** One line a value: where it is, so that a table of any form can be made of it. */
function* csvPieces(tensors: readonly SavedTensor[]): Pieces {
  yield 'name,layer,direction,step,batch,unit,value\n';
  for (const { name, shape, axes, data, layer, direction, directions } of tensors) {
    let lines: string[] = [];
    for (const [i, value] of data.entries()) {
      const at: Record<string, number> = {};
      let rest = i;
      for (let axis = axes.length - 1; axis >= 0; axis--) {
        at[axes[axis]] = rest % shape[axis];
        rest = Math.floor(rest / shape[axis]);
      }
      const { state, step = '', batch = 0, unit } = at;
      const place =
        state === undefined
          ? [layer ?? '', direction ?? '']
          : [Math.floor(state / directions.length), directions[state % directions.length]];
      lines.push([name, ...place, step, batch, unit, csvNumber(value)].join(','));
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
