import safetensorsPackage from 'safetensors';
import { parseMetadataOptions } from '../../schemas/case.js';
import { decode, requireReadable, tensorBytes } from '../tensor/dtype.js';
import { checkNames } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Format, Source } from './format.js';
import { LENGTH_BYTES, readHeader, type SafetensorsHeader } from './safetensors-header.js';

export const safetensors: Format = {
  name: 'safetensors',
  endings: ['.safetensors'],
  text: false,
  // The header follows its own length: 8 bytes, of which the upper ones are zero.
  looksLike: (head) => head[8] === '{' && head.slice(4, 8) === '\0\0\0\0',
  open(source) {
    const header = readHeader(source);
    return {
      tensors: () => ({
        specs: header.tensors,
        load: (names) => loadTensors(header, names, source),
      }),
      options: () => parseMetadataOptions(header.metadata),
    };
  },
};

/**
 * Reads the named tensors of a file whose header is valid.
 * @throws CellcheckError where a tensor has a dtype that is not read
 */
export function loadTensors(
  header: SafetensorsHeader,
  names: readonly string[],
  source: Source,
): Map<string, Tensor> {
  checkNames(header.tensors, names);
  const image = planImage(header, names);
  for (const { fileOffset, imageOffset, length } of image.stretches) {
    const target = image.bytes.subarray(imageOffset, imageOffset + length);
    const bytes = source.read(fileOffset, length, target);
    if (bytes !== target) target.set(bytes);
  }
  return readImage(header, names, image);
}

/** Where a tensor's bytes are in the file, and where they go in the image. */
interface Stretch {
  readonly fileOffset: number;
  readonly imageOffset: number;
  readonly length: number;
}

/**
 * A safetensors file in memory that holds only the wanted tensors, each on an 8-byte boundary. The package
 * `safetensors` is given this instead of the user's file, because it validates nothing and needs the whole file in
 * memory.
 */
interface Image {
  readonly bytes: Uint8Array;
  /** What must be copied into `bytes` before the tensors can be read. */
  readonly stretches: readonly Stretch[];
}

function readable(header: SafetensorsHeader, name: string) {
  const spec = header.tensors.get(name)!;
  return { ...spec, dtype: requireReadable(name, spec.dtype) };
}

function planImage(header: SafetensorsHeader, names: readonly string[]): Image {
  const specs = names.map((name) => readable(header, name));
  let dataLength = 0;
  const places = specs.map(({ begin, end }) => {
    const place = dataLength;
    dataLength += Math.ceil((end - begin) / 8) * 8;
    return place;
  });
  // Tensors go by their number: a name from the file could be __metadata__ or __proto__.
  const entries = specs.map(({ dtype, shape, begin, end }, i) => [
    i,
    { dtype, shape, data_offsets: [places[i], places[i] + end - begin] },
  ]);
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const dataStart = LENGTH_BYTES + Math.ceil(json.length / 8) * 8;
  const bytes = tensorBytes(dataStart + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - LENGTH_BYTES), true);
  bytes.fill(32, LENGTH_BYTES, dataStart);
  bytes.set(json, LENGTH_BYTES);
  return {
    bytes,
    stretches: specs.map(({ begin, end }, i) => ({
      fileOffset: begin,
      imageOffset: dataStart + places[i],
      length: end - begin,
    })),
  };
}

/** The tensors of an image that is complete. */
function readImage(header: SafetensorsHeader, names: readonly string[], image: Image): Map<string, Tensor> {
  const file = new safetensorsPackage.SafeTensor(image.bytes);
  return new Map(
    names.map((name, i) => {
      const { dtype, shape } = readable(header, name);
      return [name, { dtype, shape, data: decode(file.getTensor(String(i)), dtype) }];
    }),
  );
}
