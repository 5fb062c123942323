import { Reader } from 'protobufjs/minimal.js';
import { CellcheckError } from '../../errors.js';
import type { Source } from '../format.js';
import { onnx } from './schema.js';

// The messages of `onnx.proto`, as the generated decoder makes them: an absent field has its default.

export interface ModelProto {
  readonly producer_name: string;
  readonly graph: GraphProto | null;
  readonly opset_import: readonly { readonly domain: string; readonly version: number }[];
  readonly functions: readonly { readonly name: string; readonly node: readonly NodeProto[] }[];
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name: string;
  readonly initializer: readonly TensorProto[];
  readonly input: readonly { readonly name: string }[];
  readonly output: readonly { readonly name: string }[];
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly op_type: string;
  readonly domain: string;
  readonly metadata_props: readonly { readonly key: string; readonly value: string }[];
  readonly attribute: readonly AttributeProto[];
}

export interface AttributeProto {
  readonly name: string;
  readonly f: number;
  readonly i: number;
  readonly s: Uint8Array;
  readonly t: TensorProto | null;
  readonly g: GraphProto | null;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings: readonly Uint8Array[];
  readonly graphs: readonly GraphProto[];
}

export interface TensorProto {
  readonly dims: readonly number[];
  readonly data_type: number;
  readonly float_data: readonly number[];
  readonly int32_data: readonly number[];
  readonly int64_data: readonly number[];
  readonly double_data: readonly number[];
  readonly raw_data: Uint8Array;
  readonly name: string;
  readonly external_data: readonly { readonly key: string; readonly value: string }[];
  /** 1: the data are in another file. */
  readonly data_location: number;
}

// A message takes many times its bytes in memory. A graph of a hundred thousand nodes has fewer fields.
const MOST_FIELDS = 200_000;
const MOST_INTEGERS = 1_500_000;

interface Decoder<T> {
  decode(reader: Reader): T;
}

// The generated code has no types.
const messages = onnx as unknown as {
  readonly ModelProto: Decoder<ModelProto>;
  readonly TensorProto: Decoder<TensorProto>;
};

/** @throws CellcheckError where the bytes are not such a message */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return decode(messages.ModelProto, bytes, 'an ONNX model');
}

/**
 * The tensor in a file of test data.
 * @throws CellcheckError where the file is none
 */
export function readTensorProto(source: Source): TensorProto {
  mustBeReadable(source);
  const proto = decode(messages.TensorProto, source.read(0, source.size), 'a tensor of ONNX (TensorProto)');
  if (proto.data_type !== 0) return proto;
  throw new CellcheckError({
    problem: 'is not a tensor of ONNX (TensorProto): it has no dtype',
    hints: [
      'A frozen graph of TensorFlow has this ending too: its weights need PyTorch names and layout first.',
    ],
  });
}

/** The largest message of protobuf. */
const LARGEST = 2 ** 31;

/** @throws CellcheckError where a file is larger than a message */
export function mustBeReadable({ size }: Source): void {
  if (size > LARGEST)
    throw new CellcheckError({ found: `${size} bytes`, expected: `${LARGEST} at most, as in ONNX` });
}

function decode<T>(message: Decoder<T>, bytes: Uint8Array, what: string): T {
  const reader = Reader.create(bytes);
  reader.discardUnknown = true;
  const readTag = reader.tag.bind(reader);
  let fields = 0;
  reader.tag = () => {
    if (++fields > MOST_FIELDS) throw new CellcheckError({ problem: `has more than ${MOST_FIELDS} fields` });
    return readTag();
  };
  // Sizes and lengths are numbers here, not objects of 64 bits; beyond 2^53 they are no sizes.
  const readLong = reader.int64.bind(reader);
  const readInt = reader.int32.bind(reader);
  let integers = 0;
  // An integer of one byte takes eight in a list.
  const counted = (read: () => unknown) => () => {
    if (++integers > MOST_INTEGERS)
      throw new CellcheckError({ problem: `has more than ${MOST_INTEGERS} integers` });
    return Number(read());
  };
  Object.assign(reader, { int64: counted(readLong), int32: counted(readInt) });
  try {
    return message.decode(reader);
  } catch (error) {
    if (error instanceof CellcheckError) throw error;
    throw new CellcheckError({
      problem: `is not ${what}: its protobuf is damaged or cut short`,
      hints: ['Was it copied completely?'],
    });
  }
}
