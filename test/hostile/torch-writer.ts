import type { RawTensor } from '../write.js';
import { bytesOf, type Part, u64 } from './bytes.js';
import {
  EMPTY_DICT,
  EMPTY_TUPLE,
  FALSE,
  int,
  list,
  named,
  object,
  orderedDict,
  pickle,
  storedTensor,
  str,
  TRUE,
} from './pickle-writer.js';
import { type ZipEnd, type ZipFile, zip } from './zip-writer.js';

export interface ArchiveParts {
  /** `undefined` leaves it out. */
  readonly version?: string | undefined;
  readonly byteorder?: string | undefined;
  readonly root?: string;
  readonly storages?: Readonly<Record<string, Uint8Array>>;
  /** What the zip archive says otherwise about a file of this name, without the folder. */
  readonly files?: Readonly<Record<string, Partial<ZipFile>>>;
  readonly more?: readonly ZipFile[];
  readonly end?: ZipEnd;
}

/** What torch.save writes around a pickle. */
export function archive(pkl: Uint8Array, parts: ArchiveParts = {}): Buffer {
  const { root = 'archive/', storages = {}, files = {}, more = [] } = parts;
  const version = 'version' in parts ? parts.version : '3\n';
  const byteorder = 'byteorder' in parts ? parts.byteorder : 'little';
  const text = (name: string, value: string | undefined) =>
    value === undefined ? [] : [{ name, data: bytesOf(value) }];
  const members: ZipFile[] = [
    { name: 'data.pkl', data: pkl },
    ...text('byteorder', byteorder),
    ...Object.entries(storages).map(([key, data]) => ({ name: `data/${key}`, data })),
    ...text('version', version),
  ];
  return zip(
    [
      ...members.map((member) => ({
        streamed: true,
        ...member,
        ...files[member.name],
        name: root + (files[member.name]?.name ?? member.name),
      })),
      ...more,
    ],
    { large: {}, ...parts.end },
  );
}

export type Tensors = Readonly<Record<string, RawTensor>>;

/** The storages of tensors, by their keys: 0, 1, 2 … */
export const storagesOf = (tensors: Tensors): Record<string, Uint8Array> =>
  Object.fromEntries(Object.values(tensors).map(({ bytes }, i) => [String(i), bytes]));

/** Tensors as parts of a pickle, by their names. */
export const partsOf = (tensors: Tensors): Record<string, Part> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor], i) => [name, storedTensor(tensor, String(i))]),
  );

/** A state_dict as torch.save writes it. */
export const savedState = (tensors: Tensors, parts: ArchiveParts = {}): Buffer =>
  archive(pickle(orderedDict(partsOf(tensors))), { storages: storagesOf(tensors), ...parts });

/** The same with something more in it: under another name, or in the place of a tensor. */
export const savedWith = (tensors: Tensors, more: Readonly<Record<string, Part>>, parts: ArchiveParts = {}) =>
  archive(pickle(orderedDict({ ...partsOf(tensors), ...more })), {
    ...parts,
    storages: { ...storagesOf(tensors), ...parts.storages },
  });

export interface LegacyParts {
  readonly magic?: Uint8Array;
  readonly protocol?: Part;
  readonly system?: Part;
  readonly object?: Part;
  readonly keys?: Part;
  /** The bytes behind the keys. */
  readonly data?: Part;
}

export const LEGACY_MAGIC = bytesOf(
  0x80,
  2,
  0x8a,
  0x0a,
  [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19],
  '.',
);

const SYSTEM = named({
  protocol_version: int(1001),
  little_endian: TRUE,
  type_sizes: named({ short: int(2), int: int(4), long: int(4) }),
});

/** What torch.save wrote before PyTorch 1.6. */
export function legacy(tensors: Tensors, parts: LegacyParts = {}): Buffer {
  const { magic = LEGACY_MAGIC, protocol = int(1001), system = SYSTEM, object, keys, data } = parts;
  const all = Object.values(tensors);
  return bytesOf(
    magic,
    pickle(protocol),
    pickle(system),
    pickle(object ?? orderedDict(partsOf(tensors))),
    pickle(keys ?? list(...all.map((_, i) => str(String(i))))),
    data ?? all.map(({ dtype, bytes }) => [u64(bytes.length / (dtype === 'F32' ? 4 : 8)), bytes]),
  );
}

export const systemSaying = (littleEndian: boolean): Part =>
  named({ protocol_version: int(1001), little_endian: littleEndian ? TRUE : FALSE, type_sizes: EMPTY_DICT });

/** What torch.jit.save writes of a module with these attributes. */
export function scripted(attributes: Readonly<Record<string, Part>>, parts: ArchiveParts = {}): Buffer {
  return scriptedPickle(pickle(object('__torch__', 'Model', named(attributes))), parts);
}

export function scriptedPickle(pkl: Uint8Array, parts: ArchiveParts = {}): Buffer {
  const root = parts.root ?? 'archive/';
  const code = 'class Model(Module):\n  __parameters__ = []\n';
  return archive(pkl, {
    ...parts,
    more: [
      { name: `${root}code/__torch__.py`, data: bytesOf(code), deflated: true },
      { name: `${root}constants.pkl`, data: pickle(EMPTY_TUPLE) },
      ...(parts.more ?? []),
    ],
  });
}

/** A scripted module whose parameters are these. */
export const scriptedState = (tensors: Tensors, parts: ArchiveParts = {}): Buffer =>
  scripted({ training: FALSE, ...partsOf(tensors) }, { storages: storagesOf(tensors), ...parts });
