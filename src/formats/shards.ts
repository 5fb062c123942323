import { CellcheckError, inFile, printable } from '../errors.js';
import { checkNames, type StateDict } from '../tensor/state-dict.js';
import type { Tensor, TensorSpec } from '../tensor/tensor.js';
import type { Format, Source } from './format.js';
import { isObject, type JsonValue, parseJson } from './json-values.js';
import { safetensors } from './safetensors.js';
import { torch } from './torch.js';

/**
 * The index of a checkpoint in several files, as Hugging Face's libraries write it: which file has which tensor. Only the
 * files with tensors that somebody asks for are opened.
 */
export const shards: Format = {
  name: 'shards',
  endings: ['.safetensors.index.json', '.bin.index.json'],
  text: true,
  holds: 'the files of a sharded checkpoint beside it',
  open(source) {
    const fileOf = weightMap(parseJson(source.read(0, source.size), MOST_TENSORS));
    return { tensors: () => stateDictOf(fileOf, source) };
  },
};

const MOST_TENSORS = 200_000;

const FORMAT_OF_SHARD: Readonly<Record<string, Format>> = { '.safetensors': safetensors, '.bin': torch };
const formatOf = (file: string) =>
  Object.entries(FORMAT_OF_SHARD).find(([ending]) => file.toLowerCase().endsWith(ending))?.[1];

/** The file of each tensor. */
function weightMap(document: JsonValue): Map<string, string> {
  const map = isObject(document) ? document.weight_map : undefined;
  if (map === undefined || !isObject(map)) {
    throw new CellcheckError({
      problem: 'is not the index of a sharded checkpoint: it has no weight_map',
      hints: ['It looks like {"weight_map": {"lstm.weight_ih_l0": "model-00001-of-00002.safetensors", …}}.'],
    });
  }
  return new Map(
    Object.entries(map).map(([tensor, file]) => {
      // A name from the index must not lead out of its folder.
      if (typeof file === 'string' && !/[/\\:\0]/.test(file) && !/^\.*$/.test(file) && formatOf(file))
        return [tensor, file];
      throw new CellcheckError({
        tensor,
        found:
          typeof file === 'string' ? `the file ${printable(file)}` : 'something else than the name of a file',
        expected: `a ${Object.keys(FORMAT_OF_SHARD).join(' or ')} file in the folder of the index`,
      });
    }),
  );
}

function stateDictOf(fileOf: ReadonlyMap<string, string>, index: Source): StateDict {
  const opened = new Map<string, StateDict>();
  const open = (file: string): StateDict => {
    let shard = opened.get(file);
    if (!shard) {
      if (!index.sibling) {
        throw new CellcheckError({
          problem: 'is the index of a sharded checkpoint, whose files are read from its folder',
          hints: ['Give it as a path.'],
        });
      }
      const source = index.sibling(file);
      shard = inShard(file, () => formatOf(file)!.open(source).tensors());
      opened.set(file, shard);
    }
    return shard;
  };
  const specOf = (tensor: string): TensorSpec => {
    const file = fileOf.get(tensor)!;
    const spec = open(file).specs.get(tensor);
    if (spec) return spec;
    throw new CellcheckError({
      tensor,
      problem: `the index says that it is in ${printable(file)}, which does not have it`,
      hints: ['The files are of different checkpoints, or the index is damaged.'],
    });
  };
  const specs = new Map<string, TensorSpec>();
  for (const tensor of fileOf.keys()) {
    // A shard is opened when somebody asks for the shape of one of its tensors.
    specs.set(tensor, {
      get dtype() {
        return specOf(tensor).dtype;
      },
      get shape() {
        return specOf(tensor).shape;
      },
    });
  }
  return {
    specs,
    load(names) {
      checkNames(specs, names);
      const files = new Set(names.map((name) => fileOf.get(name)!));
      const loaded = new Map<string, Tensor>();
      for (const file of files) {
        const here = names.filter((name) => fileOf.get(name) === file);
        for (const name of here) specOf(name);
        for (const [name, tensor] of inShard(file, () => open(file).load(here))) loaded.set(name, tensor);
      }
      return loaded;
    },
  };
}

const inShard = <T>(file: string, read: () => T): T => inFile(file, read, 'format');
