import type { RawTensor } from '../write.js';
import { bytesOf, type Part } from './bytes.js';

/** A base-128 number of protobuf. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

/** A field of any wire type: 0 varint, 1 eight bytes, 2 with its length, 5 four bytes. */
export const field = (number: number, wire: number, ...value: readonly Part[]): Part => [
  varint((number << 3) | wire),
  value,
];
export const number = (field_: number, value: number | bigint): Part => field(field_, 0, varint(value));

/** A message, a text or bytes. */
export function message(field_: number, ...parts: readonly Part[]): Part {
  const bytes = bytesOf(...parts);
  return field(field_, 2, varint(bytes.length), bytes);
}

const packed = (field_: number, values: readonly (number | bigint)[]): Part =>
  message(field_, values.map(varint));

export interface TensorParts {
  readonly name?: string;
  readonly dims?: readonly (number | bigint)[];
  readonly type?: number;
  readonly raw?: Uint8Array;
  readonly external?: Readonly<Record<string, string>>;
  readonly more?: readonly Part[];
}

const TYPES: Readonly<Record<string, number>> = { F32: 1, F64: 11, I64: 7 };

export const tensorProto = ({
  name = '',
  dims = [],
  type = 1,
  raw,
  external,
  more = [],
}: TensorParts): Part => [
  dims.map((size) => number(1, size)),
  number(2, type),
  name ? message(8, name) : [],
  raw ? message(9, raw) : [],
  external
    ? [
        Object.entries(external).map(([key, value]) => message(13, message(1, key), message(2, value))),
        number(14, 1),
      ]
    : [],
  more,
];

export const tensorOf = (name: string, { dtype, shape, bytes }: RawTensor): Part =>
  tensorProto({ name, dims: shape, type: TYPES[dtype], raw: bytes });

/** A 1-d tensor of int64: axes and the like. */
export const int64s = (name: string, values: readonly number[]): Part =>
  tensorProto({
    name,
    dims: [values.length],
    type: 7,
    raw: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
  });

export const attribute = {
  int: (name: string, value: number | bigint): Part => [message(1, name), number(3, value), number(20, 2)],
  float: (name: string, value: number): Part => {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    return [message(1, name), field(2, 5, bytes), number(20, 1)];
  },
  text: (name: string, value: string): Part => [message(1, name), message(4, value), number(20, 3)],
  texts: (name: string, values: readonly string[]): Part => [
    message(1, name),
    values.map((value) => message(9, value)),
    number(20, 8),
  ],
  ints: (name: string, values: readonly number[]): Part => [
    message(1, name),
    packed(8, values),
    number(20, 7),
  ],
  tensor: (name: string, value: Part): Part => [message(1, name), message(5, value), number(20, 4)],
  graph: (name: string, value: Part): Part => [message(1, name), message(6, value), number(20, 5)],
};

export interface NodeParts {
  readonly op: string;
  readonly name?: string;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: readonly Part[];
  readonly domain?: string;
}

export const node = ({ op, name, inputs = [], outputs = [], attributes = [], domain }: NodeParts): Part => [
  inputs.map((input) => message(1, input)),
  outputs.map((output) => message(2, output)),
  name === undefined ? [] : message(3, name),
  message(4, op),
  attributes.map((one) => message(5, one)),
  domain === undefined ? [] : message(7, domain),
];

export interface GraphParts {
  readonly nodes?: readonly Part[];
  readonly initializers?: readonly Part[];
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly more?: readonly Part[];
}

export const graph = ({
  nodes = [],
  initializers = [],
  inputs = [],
  outputs = [],
  more = [],
}: GraphParts): Part => [
  nodes.map((one) => message(1, one)),
  message(2, 'graph'),
  initializers.map((one) => message(5, one)),
  inputs.map((one) => message(11, message(1, one))),
  outputs.map((one) => message(12, message(1, one))),
  more,
];

export const model = (graph_: Part, opset = 17, more: readonly Part[] = []): Buffer =>
  bytesOf(
    number(1, 8),
    message(2, 'test'),
    message(7, graph_),
    message(8, message(1, ''), number(2, opset)),
    more,
  );

/** PyTorch's blocks of gates in ONNX's order: i o f c. */
const LSTM_ORDER = [0, 3, 1, 2];

function inOrder({ bytes }: RawTensor): Buffer {
  const block = bytes.length / 4;
  return Buffer.concat(LSTM_ORDER.map((gate) => bytes.subarray(gate * block, (gate + 1) * block)));
}

/** The parameters of an LSTM of PyTorch as the inputs of ONNX's node. */
export function lstmWeights(tensors: Readonly<Record<string, RawTensor>>) {
  const { weight_ih_l0: ih, weight_hh_l0: hh, bias_ih_l0: bih, bias_hh_l0: bhh } = tensors;
  const of = (shape: readonly number[], ...bytes: readonly Uint8Array[]): RawTensor => ({
    dtype: 'F32',
    shape,
    bytes: Buffer.concat(bytes),
  });
  return {
    W: of([1, ...ih.shape], inOrder(ih)),
    R: of([1, ...hh.shape], inOrder(hh)),
    B: of([1, 2 * bih.shape[0]], inOrder(bih), inOrder(bhh)),
  };
}
