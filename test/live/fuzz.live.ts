import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { SAMPLES } from '../cli.js';
import { sourceOf } from '../formats/source.js';
import {
  INDEX_TOKENS,
  mutate,
  NPY_TOKENS,
  PICKLE_TOKENS,
  PROTOBUF_TOKENS,
  ROW_TOKENS,
  type Tokens,
} from '../fuzz/mutate.js';
import { budget, type Random, randomFrom } from '../fuzz/random.js';
import { readBytes, readJsonBytes, readSafetensorsBytes } from '../fuzz/read.js';
import { bytesOf } from '../hostile/bytes.js';
import { npyOf, npz } from '../hostile/numpy-writer.js';
import {
  attribute,
  graph,
  int64s,
  lstmWeights,
  model,
  node,
  tensorOf,
  tensorProto,
} from '../hostile/onnx-writer.js';
import {
  global,
  int,
  ints,
  list,
  named,
  object,
  orderedDict,
  pickle,
  reduce,
  str,
  tensor,
} from '../hostile/pickle-writer.js';
import { archive, legacy, partsOf, savedState, scriptedPickle, storagesOf } from '../hostile/torch-writer.js';
import { zip } from '../hostile/zip-writer.js';
import { lstmBundle, raw, safetensorsBytes } from '../write.js';

// FUZZ_SEED=… repeats a run. FUZZ_COUNT=10000000 makes this many mutations of each format instead of running for seconds.
const SECONDS = 4;

/** Reads mutated files: the only error that a reader may throw is CellcheckError. */
function fuzz(
  files: readonly Uint8Array[],
  read: (file: Uint8Array) => void,
  mend: (file: Uint8Array, random: Random) => void = () => undefined,
  tokens?: Tokens,
) {
  const { seed, goesOn } = budget(SECONDS);
  const random = randomFrom(seed);
  const counts = { accepted: 0, refused: 0 };
  // Stack traces of a million errors would take most of the time.
  Error.stackTraceLimit = 0;
  for (let done = 0; goesOn(done); done++) {
    const file = mutate(random.pick(files), random.pick(files), random, tokens);
    mend(file, random);
    try {
      read(file);
      counts.accepted++;
    } catch (error) {
      if (!(error instanceof CellcheckError)) {
        throw new Error(`mutation ${done} of seed ${seed}: ${Buffer.from(file).toString('base64')}`, {
          cause: error,
        });
      }
      counts.refused++;
    }
  }
  console.log(counts);
  // A useful fuzzer sees both outcomes.
  expect(counts.accepted).toBeGreaterThan(20);
  expect(counts.refused).toBeGreaterThan(100);
}

test('mutated safetensors files: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const small = {
    a: raw([2, 2], [1, 2, 3, 4]),
    'm.b': raw([1], [Number.NaN], 'F64'),
    c: raw([0, 3], []),
    d: { dtype: 'BF16', shape: [3], bytes: new Uint8Array(6) },
    e: { dtype: 'U16', shape: [], bytes: new Uint8Array(2) },
  };
  const files = [
    safetensorsBytes(small),
    safetensorsBytes(small, { format: 'pt', batch_first: 'true' }),
    safetensorsBytes({}),
    safetensorsBytes({ x: raw([1], [1]) }, { note: 'é\u0000' }),
    safetensorsBytes(lstmBundle(), { module: 'LSTM' }),
  ];
  fuzz(files, readSafetensorsBytes, (file, random) => {
    // Mutations rarely leave the header's length right. It is usually corrected, so that the rest of the file is read.
    const end =
      file.indexOf('}}'.charCodeAt(0), 8) < 0 ? file.length : Buffer.from(file).lastIndexOf('}') + 1;
    if (file.length >= 8 && random.chance(0.8)) {
      new DataView(file.buffer, file.byteOffset).setBigUint64(0, BigInt(Math.max(0, end - 8)), true);
    }
  });
});

test('mutated JSON files: nothing but the tool’s own errors, and nothing read otherwise than JSON.parse does', {
  timeout: 36e5,
}, () => {
  const texts = [
    '{"input": [[0.1, -2e3], [3, 4]], "h_0": [["NaN", "-Infinity"]], "case": {"module": "GRU", "batch_first": true}}',
    '{"a": {"dtype": "F32", "shape": [2, 1], "data": [0.1, 1e-7]}, "b": {"dtype": "int64", "shape": [], "data": [3]}}',
    '[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]',
    '{"weights": "w.safetensors", "input": "i.json", "tolerance": {"atol": 1e-4, "c_n": {"rtol": 0}}, "n": null}',
    ' {"\\u0061\\n\\"é😀": [0.30000000000000004, 123456789012345678, 1E+2, -0], "": [[], []]} ',
    '[]',
  ];
  const files = [
    ...texts.map((text) => new TextEncoder().encode(text)),
    fs.readFileSync(path.join(SAMPLES, 'notebook-gru', 'weights.json')),
  ];
  fuzz(files, readJsonBytes, () => undefined);
});

const SMALL = {
  a: raw([2, 2], [1, 2, 3, 4]),
  'm.b': raw([1], [Number.NaN], 'F64'),
  c: raw([0, 3], []),
  d: raw([3], [1, 2, 3], 'I64'),
};
const STORAGES = storagesOf(SMALL);
const VIEW = tensor({ key: str('0'), shape: ints([2, 2]), strides: ints([1, 2]) });
const none = () => undefined;

const PICKLES = [
  pickle(orderedDict(partsOf(SMALL))),
  pickle(named({ ...partsOf(SMALL), epoch: int(3), nested: named({ x: list(VIEW, VIEW) }) })),
  pickle(named({ x: reduce(global('torch._utils', '_rebuild_parameter'), VIEW, 0x89, named({})) })),
  pickle(VIEW),
];

test('mutated pickles in archives of torch.save: nothing but the tool’s own errors', {
  timeout: 36e5,
}, () => {
  fuzz(PICKLES, (pkl) => readBytes(archive(pkl, { storages: STORAGES }), 'x.pt'), none, PICKLE_TOKENS);
});

test('mutated archives of torch.save: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const deflated = { 'data.pkl': { deflated: true }, 'data/0': { deflated: true } };
  const files = [savedState(SMALL), savedState(SMALL, { files: deflated }), savedState({ x: SMALL.a })];
  fuzz(files, (file) => readBytes(file, 'x.pt'), none, PICKLE_TOKENS);
});

test('mutated files of the older torch.save: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  fuzz([legacy(SMALL), legacy({ x: SMALL.a })], (file) => readBytes(file, 'x.pt'), none, PICKLE_TOKENS);
});

test('mutated pickles of TorchScript: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const files = [
    pickle(object('__torch__', 'M', named({ training: 0x89, ...partsOf(SMALL) }))),
    pickle(
      object(
        '__torch__',
        'M',
        named({ inner: object('__torch__.nn', 'N', named({ x: VIEW })), l: list(VIEW) }),
      ),
    ),
  ];
  fuzz(files, (pkl) => readBytes(scriptedPickle(pkl, { storages: STORAGES }), 'x.pt'), none, PICKLE_TOKENS);
});

test('mutated .npy files: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  fuzz(Object.values(SMALL).map(npyOf), (file) => readBytes(file, 'x.npy'), none, NPY_TOKENS);
});

test('mutated .npz files: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const { seed } = budget(0);
  const random = randomFrom(seed);
  const arrays = Object.values(SMALL).map(npyOf);
  const archives = [npz(SMALL), npz(SMALL, { a: { deflated: true } })];
  // Half of them are archives of a mutated array, whose checksum is right.
  const read = (file: Uint8Array) =>
    readBytes(
      file[0] === 0x93 || random.chance(0.3)
        ? zip([{ name: 'x.npy', data: file, deflated: random.chance(0.5) }])
        : file,
      'x.npz',
    );
  fuzz([...arrays, ...archives], read, none, NPY_TOKENS);
});

test('mutated rows of numbers: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const texts = [
    '1,2\n3,4\n',
    '0.123456789 -1e-5\n3 4\n\n5 6\n7 8\n',
    'a,b\n1.5,nan\n',
    ',x\n0,1.25\n1,-inf\n',
    '# c\n1;2;3\n',
  ];
  fuzz(
    texts.map((text) => bytesOf(text)),
    (file) => readBytes(file, 'x.csv'),
    none,
    ROW_TOKENS,
  );
});

test('mutated ONNX models: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const weights = lstmWeights(lstmBundle());
  const initializers = Object.entries(weights).map(([name, value]) => tensorOf(name, value));
  const lstm = node({
    op: 'LSTM',
    name: 'l',
    inputs: ['X', 'W', 'R', 'B'],
    outputs: ['Y', 'h', 'c'],
    attributes: [attribute.int('hidden_size', 4)],
  });
  const folded = ['Identity', 'Cast', 'Concat', 'Transpose'].map((op, i) =>
    node({
      op,
      inputs: [i ? `n${i}` : 'W'],
      outputs: [i === 3 ? 'w' : `n${i + 1}`],
      attributes: op === 'Transpose' ? [attribute.ints('perm', [0, 1, 2])] : [],
    }),
  );
  const sliced = node({ op: 'Slice', inputs: ['W', 'from', 'to', 'axes'], outputs: ['w'] });
  const viaW = node({ op: 'LSTM', name: 'l', inputs: ['X', 'w', 'R'], outputs: ['Y'] });
  const files = [
    model(graph({ nodes: [lstm], initializers })),
    model(graph({ nodes: [...folded, viaW], initializers })),
    model(
      graph({
        nodes: [sliced, viaW],
        initializers: [...initializers, int64s('from', [0]), int64s('to', [1]), int64s('axes', [0])],
      }),
    ),
    model(
      graph({
        nodes: [node({ op: 'If', attributes: [attribute.graph('g', graph({ nodes: [lstm] }))] })],
        initializers,
      }),
    ),
  ];
  fuzz(files, (file) => readBytes(file, 'x.onnx'), none, PROTOBUF_TOKENS);
});

test('mutated tensors of ONNX: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const files = [
    ...Object.entries(SMALL).map(([name, value]) => bytesOf(tensorOf(name, value))),
    bytesOf(tensorProto({ name: 'x', dims: [1], external: { location: 'y', offset: '0', length: '4' } })),
  ];
  fuzz(
    files,
    (file) => readBytes(file, 'x.pb', () => ({ size: 4, read: (_, length) => new Uint8Array(length) })),
    none,
    PROTOBUF_TOKENS,
  );
});

test('mutated indices of shards: nothing but the tool’s own errors', { timeout: 36e5 }, () => {
  const shards: Record<string, Uint8Array> = {
    'a.safetensors': safetensorsBytes(SMALL),
    'b.bin': savedState(SMALL),
  };
  const missing = (file: string) => new CellcheckError({ file, problem: 'there is no such file' });
  const sibling = (file: string) => {
    if (file.includes('/') || !Object.hasOwn(shards, file)) throw missing(file);
    return sourceOf(shards[file]);
  };
  const texts = [
    { metadata: { total_size: 9 }, weight_map: { a: 'a.safetensors', 'm.b': 'b.bin' } },
    { weight_map: { a: 'a.safetensors', c: 'a.safetensors' } },
  ];
  const read = (file: Uint8Array) => readBytes(file, 'x.safetensors.index.json', sibling);
  fuzz(
    texts.map((value) => bytesOf(JSON.stringify(value))),
    read,
    none,
    INDEX_TOKENS,
  );
});
