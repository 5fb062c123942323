import { describe, expect, test } from 'vitest';
import { readTensors } from '../../src/formats/read-tensors.js';
import type { Part } from '../hostile/bytes.js';
import {
  dict,
  FALSE,
  float,
  get,
  global,
  int,
  ints,
  list,
  named,
  object,
  orderedDict,
  pickle,
  put,
  reduce,
  storedTensor,
  str,
  TRUE,
  tensor,
  tuple,
} from '../hostile/pickle-writer.js';
import {
  archive,
  legacy,
  savedState,
  savedWith,
  scripted,
  scriptedState,
  storagesOf,
} from '../hostile/torch-writer.js';
import { raw } from '../write.js';

const TENSORS = { 'rnn.weight_ih_l0': raw([2, 2], [1, 2, 3, 4]), scale: raw([], [0.5], 'F64') };

/** Every tensor of a file as plain numbers. */
function read(file: Uint8Array): Record<string, { shape: readonly number[]; data: number[] }> {
  const { specs, load } = readTensors(file, 'model.pt');
  return Object.fromEntries(
    [...load([...specs.keys()])].map(([name, { shape, data }]) => [name, { shape, data: [...data] }]),
  );
}

const SAVED = {
  'rnn.weight_ih_l0': { shape: [2, 2], data: [1, 2, 3, 4] },
  scale: { shape: [], data: [0.5] },
};

describe('one state_dict in every form', () => {
  test('the zip format', () => expect(read(savedState(TENSORS))).toEqual(SAVED));
  test('the stream before it', () =>
    expect(read(legacy({ a: raw([2], [1, 2]), b: raw([1], [3]) }))).toEqual({
      a: { shape: [2], data: [1, 2] },
      b: { shape: [1], data: [3] },
    }));
  test('a scripted module, by its attributes; lists repeat parameters, and are left out', () => {
    const parts = { storages: storagesOf(TENSORS) };
    const [weight, scale] = Object.values(TENSORS).map((one, i) => storedTensor(one, String(i)));
    const rnn = object(
      '__torch__.torch.nn.modules.rnn',
      'RNN',
      named({ weight_ih_l0: weight, _flat_weights: list(weight) }),
    );
    expect(read(scripted({ rnn, scale, training: FALSE }, parts))).toEqual(SAVED);
    expect(read(scriptedState(TENSORS))).toEqual(SAVED);
  });
  test('big-endian storages', () => {
    const swapped = Object.fromEntries(
      Object.entries(TENSORS).map(([name, one]) => {
        const size = one.dtype === 'F64' ? 8 : 4;
        const bytes = Buffer.from(one.bytes);
        return [name, { ...one, bytes: size === 8 ? bytes.swap64() : bytes.swap32() }];
      }),
    );
    expect(read(savedState(swapped, { byteorder: 'big' }))).toEqual(SAVED);
    expect(read(savedState(swapped))).not.toEqual(SAVED);
  });
});

describe('views', () => {
  const view = (shape: number[], strides: number[], offset = 0) =>
    read(
      archive(
        pickle(
          orderedDict({
            x: tensor({ count: int(6), shape: ints(shape), strides: ints(strides), offset: int(offset) }),
          }),
        ),
        {
          storages: { 0: raw([6], [0, 1, 2, 3, 4, 5]).bytes },
        },
      ),
    ).x.data;

  test('transposed, expanded, and from the middle', () => {
    expect(view([2, 3], [3, 1])).toEqual([0, 1, 2, 3, 4, 5]);
    expect(view([3, 2], [1, 3])).toEqual([0, 3, 1, 4, 2, 5]);
    expect(view([2, 3], [0, 1])).toEqual([0, 1, 2, 0, 1, 2]);
    expect(view([2], [2], 1)).toEqual([1, 3]);
    expect(view([0, 3], [3, 1])).toEqual([]);
  });

  test('nothing beyond the storage is read', () => {
    expect(() => view([2, 3], [3, 1], 1)).toThrow('reaches beyond its storage 0');
    expect(() => view([7], [1])).toThrow('reaches beyond its storage 0');
  });
});

describe('names', () => {
  const one = { x: raw([1], [7]) };
  const part = storedTensor(one.x, '0');
  const namesIn = (root: Part) => Object.keys(read(archive(pickle(root), { storages: storagesOf(one) })));

  test('of nested dicts are joined', () =>
    expect(
      namesIn(
        named({ step: int(3), model: named({ 'rnn.w': part }), rest: dict([int(0), named({ m: part })]) }),
      ),
    ).toEqual(['model.rnn.w', 'rest.0.m']));

  test('a tensor alone has none, and what a module returns has those of its outputs', () => {
    expect(namesIn(part)).toEqual(['']);
    const [output, state] = [
      tensor({ count: int(1), shape: ints([1, 1, 1]), strides: ints([1, 1, 1]) }),
      tensor({ count: int(1), shape: ints([1, 1, 1]), strides: ints([1, 1, 1]) }),
    ];
    expect(namesIn(tuple(output, state))).toEqual(['output', 'h_n']);
    expect(namesIn(tuple(output, tuple(state, state)))).toEqual(['output', 'h_n', 'c_n']);
    // Two states of a step, or an output and a state: nobody can tell.
    expect(namesIn(tuple(part, part))).toEqual(['0', '1']);
  });

  test('a dict that is there twice counts where it is first', () =>
    expect(namesIn(named({ model: [named({ w: part }), put(200)], ema: get(200) }))).toEqual(['model.w']));

  test('what is beside tensors is passed over: numbers, sets, devices, dtypes, and single numbers of NumPy', () => {
    const dtype = [reduce(global('numpy', 'dtype'), str('f8'), FALSE, TRUE), tuple(int(3), str('<')), 'b'];
    const loss = reduce(
      global('numpy.core.multiarray', 'scalar'),
      dtype,
      reduce(global('_codecs', 'encode'), str('x'), str('latin1')),
    );
    const beside = {
      loss,
      lr: float(0.1),
      device: reduce(global('torch', 'device'), str('cpu')),
      dtype: global('torch', 'float32'),
      tags: reduce(global('__builtin__', 'set'), list(int(1))),
    };
    expect(Object.keys(read(savedWith(one, beside)))).toEqual(['x']);
  });
});

describe('what is refused says what it is, and what to do', () => {
  const refusal = (file: Uint8Array, name = 'dir/it.pt') => {
    try {
      readTensors(file, name);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  test('a whole module, with lines of Python that name the file', () => {
    const message = refusal(archive(pickle(object('__main__', 'Net', named({})))));
    expect(message).toContain('dir/it.pt: holds an object of Python, __main__.Net');
    expect(message).toContain("saved = torch.load('dir/it.pt', weights_only=False)");
    expect(message).toContain("torch.save(tensors(saved), 'dir/it-tensors.pt')");
  });

  test('a pickle that would run something, without a line that loads it', () => {
    const message = refusal(archive(pickle(reduce(global('os', 'system'), str('true')))));
    expect(message).toContain('its pickle would run os.system');
    expect(message).not.toContain('torch.load');
  });

  test('another archive, another pickle, and raw numbers', () => {
    expect(refusal(archive(pickle(int(1)), { root: 'x/y/' }))).toContain(
      'is a zip archive of something else',
    );
    expect(refusal(Buffer.from([0x80, 4, 0x2e]), 'it.bin')).toContain(
      'is a pickle, but not one of torch.save',
    );
    expect(refusal(Buffer.alloc(16, 1), 'it.bin')).toContain(
      'Raw numbers (16 bytes) need a dtype and a shape',
    );
  });
});
