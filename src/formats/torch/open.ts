import { CellcheckError, printable } from '../../errors.js';
import { checkNames, type StateDict } from '../../tensor/state-dict.js';
import { byteCursor, sourceOver } from '../bytes.js';
import { type Contents, type Source, ZIP_MAGIC } from '../format.js';
import { npz } from '../npz.js';
import { openZip, type Zip } from '../zip.js';
import { SCRIPTED, STATE_DICT, type Storage } from './meaning.js';
import { isA, LONGEST_PICKLE, readPickle, type Value } from './pickle.js';
import { loadStored, type ReadStorage, tensorsIn } from './tensors.js';

const LEGACY_MAGIC = '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.';

/**
 * Opens what torch.save or torch.jit.save wrote.
 * @throws CellcheckError that says what the file is instead
 */
export function openTorch(source: Source): Contents {
  const head = String.fromCharCode(...source.read(0, Math.min(LEGACY_MAGIC.length, source.size)));
  const zip = head.startsWith(ZIP_MAGIC) ? openZip(source) : undefined;
  // An archive of NumPy by another name, or by none.
  if (zip && zip.sizes.size > 0 && [...zip.sizes.keys()].every((name) => name.endsWith('.npy')))
    return npz.open(source);
  const stateDict = zip ? openArchive(zip) : head === LEGACY_MAGIC ? openLegacy(source) : undefined;
  if (!stateDict) throw notTorch(source, head);
  return { tensors: () => stateDict };
}

function notTorch(source: Source, head: string): CellcheckError {
  const what = head.startsWith('\x80')
    ? 'is a pickle, but not one of torch.save'
    : 'is no PyTorch checkpoint: neither a zip archive nor the older form that torch.save wrote';
  return new CellcheckError({
    problem: what,
    hints: [
      head.startsWith('\x80')
        ? 'Objects of Python are not read. Save a state_dict with torch.save, without pickle_protocol, or as safetensors.'
        : `Raw numbers (${source.size} bytes) need a dtype and a shape, in a case.json: { "file", "dtype", "shape" }.`,
    ],
  });
}

/** Versions of the archive that PyTorch 2.13 reads. */
const VERSIONS = { first: 1, last: 10 };
const LITTLE = 'little';
const BIG = 'big';

function openArchive(zip: Zip): StateDict {
  const names = [...zip.sizes.keys()];
  const root = names.find((name) => /^[^/]+\/data\.pkl$/.test(name))?.replace('data.pkl', '');
  if (root === undefined) throw otherArchive(names);
  const stranger = names.find((name) => !name.startsWith(root));
  if (stranger !== undefined)
    throw new CellcheckError({
      tensor: stranger,
      problem: `lies outside the archive's folder ${printable(root)}`,
    });
  const text = (name: string) =>
    zip.sizes.has(root + name) ? String.fromCharCode(...zip.read(root + name, 0, 16)).trim() : undefined;
  const version = text('version');
  const isNumber = version !== undefined && /^\d{1,3}$/.test(version);
  if (!isNumber || Number(version) < VERSIONS.first || Number(version) > VERSIONS.last) {
    throw new CellcheckError({
      found: version === undefined ? 'no version' : `version ${printable(version)}`,
      expected: `a PyTorch archive of version ${VERSIONS.first} to ${VERSIONS.last}`,
    });
  }
  const byteOrder = text('byteorder') ?? LITTLE;
  if (byteOrder !== LITTLE && byteOrder !== BIG)
    throw new CellcheckError({
      found: `byte order ${printable(byteOrder)}`,
      expected: `${LITTLE} or ${BIG}`,
    });
  const pickleSize = zip.sizes.get(`${root}data.pkl`)!;
  if (pickleSize > LONGEST_PICKLE) {
    throw new CellcheckError({
      found: `a pickle of ${pickleSize} bytes`,
      expected: `${LONGEST_PICKLE} at most`,
      hints: ['Save the state_dict alone.'],
    });
  }
  const isScripted = zip.sizes.has(`${root}constants.pkl`);
  const pickle = byteCursor(sourceOver(zip.read(`${root}data.pkl`)));
  const value = readPickle(pickle, isScripted ? SCRIPTED : STATE_DICT);
  if (pickle.position !== zip.sizes.get(`${root}data.pkl`))
    throw new CellcheckError({ problem: 'its pickle has something behind its end' });
  return stateDictOf(
    value,
    byteOrder === BIG,
    (storage, from, to) => {
      const name = `${root}${isScripted && storage.key.includes('/') ? '' : 'data/'}${storage.key}`;
      const size = zip.sizes.get(name);
      const expected = storage.total * storage.itemSize;
      if (size !== expected) {
        throw new CellcheckError({
          tensor: name,
          found: size === undefined ? 'no such file in the archive' : `${size} bytes`,
          expected: `${expected} bytes of numbers`,
          hints: ['The file is damaged.'],
        });
      }
      return zip.read(name, from, to);
    },
    zip.unchecked ? ['the archive has no checksums: damage would not be noticed'] : [],
  );
}

/** What an archive is that torch.save did not write. */
function otherArchive(names: readonly string[]): CellcheckError {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  const [what, hint] = has(/\.npy$/)
    ? ['an archive of NumPy arrays', 'Give it the ending .npz.']
    : has(/^(?:config\.json|model\.weights\.h5)$/)
      ? ['a Keras model', 'Its weights need PyTorch names and layout first.']
      : has(/^[^/]+\/(?:models|data\/weights)\//)
        ? [
            'a program of torch.export (.pt2)',
            'Save the state_dict of the model: torch.save(model.state_dict(), …).',
          ]
        : ['a zip archive of something else', 'Is it the right file? Unpack it, if the checkpoint is in it.'];
  const shown = names.slice(0, 4).map(printable).join(', ');
  return new CellcheckError({
    problem: `is ${what}, not a PyTorch checkpoint`,
    hints: [hint, shown ? `It holds ${shown}${names.length > 4 ? ', …' : ''}.` : 'It is empty.'],
  });
}

const LEGACY_PROTOCOL = 1001;
const MOST_STORAGES = 50_000;

/**
 * The form before PyTorch 1.6: pickles of a magic number, a protocol, facts about the system, the object and the keys of
 * its storages; then each storage, the number of its elements before it.
 */
function openLegacy(source: Source): StateDict {
  const cursor = byteCursor(source);
  readPickle(cursor, STATE_DICT);
  const protocol = readPickle(cursor, STATE_DICT);
  if (protocol !== LEGACY_PROTOCOL)
    throw new CellcheckError({ problem: 'is of an unknown protocol of torch.save' });
  const system = readPickle(cursor, STATE_DICT);
  const little = isA(system, 'dict') ? system.values[system.keys.indexOf('little_endian')] : undefined;
  const storages = new Map<string, Storage>();
  const value = readPickle(cursor, {
    ...STATE_DICT,
    persistent(id) {
      const stored = STATE_DICT.persistent(id);
      if (isA(stored, 'storage')) {
        const storage = stored.storage as Storage;
        storages.set(storage.key, storage);
      }
      return stored;
    },
  });
  const keys = readPickle(cursor, STATE_DICT);
  if (little !== true || !isA(keys, 'list'))
    throw new CellcheckError({ problem: 'is not complete, or its byte order is not little-endian' });
  if (keys.items.length > MOST_STORAGES)
    throw new CellcheckError({
      found: `${keys.items.length} storages`,
      expected: `${MOST_STORAGES} at most`,
    });
  const places = new Map<string, { readonly begin: number; readonly end: number }>();
  let position = cursor.position;
  for (const key of keys.items) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage || places.has(storage.key))
      throw new CellcheckError({ problem: 'lists a storage that no tensor has, or one twice' });
    const count = byteCursor(sourceOver(source.read(position, 8))).uint(8);
    const begin = position + 8;
    const end = begin + count * storage.itemSize;
    if (!Number.isSafeInteger(end) || end > source.size) {
      throw new CellcheckError({
        tensor: storage.key,
        found: `${source.size} bytes`,
        expected: `a storage of ${count} elements from byte ${begin} on`,
        hints: ['The file is cut short or damaged.'],
      });
    }
    places.set(storage.key, { begin, end });
    position = end;
  }
  if (position !== source.size)
    throw new CellcheckError({ problem: 'has something behind its last storage' });
  return stateDictOf(value, false, (storage, from, to) => {
    const place = places.get(storage.key);
    if (!place || place.end - place.begin !== storage.total * storage.itemSize)
      throw new CellcheckError({
        tensor: storage.key,
        problem: 'has another number of elements than its tensors say',
      });
    return source.read(place.begin + from, to - from);
  });
}

function stateDictOf(
  value: Value,
  bigEndian: boolean,
  readStorage: ReadStorage,
  notes: readonly string[] = [],
): StateDict {
  const tensors = tensorsIn(value);
  return {
    specs: tensors,
    notes,
    load(names) {
      checkNames(tensors, names);
      return loadStored(tensors, names, readStorage, bigEndian);
    },
  };
}
