import type { CaseFiles } from '../../schemas/case.js';
import { CellcheckError, inFile } from '../errors.js';
import { rawTensor } from '../formats/raw.js';
import type { StateDict } from '../tensor/state-dict.js';
import { fileSource, openTensors } from './contents.js';

/** A file, or a file for each tensor, and how messages name it. */
export interface Place {
  readonly path: string;
  readonly label: string;
  /** What a file without a header holds. */
  readonly raw?: { readonly dtype: string; readonly shape: readonly number[] };
  /** Each tensor's own file, by its role. */
  readonly parts?: ReadonlyMap<string, Place>;
}

/** The place of what a case names in a field, with each file put where `place` says. */
export function placeOfFiles(field: string, given: CaseFiles, place: (file: string) => Place): Place {
  if (typeof given === 'string') return place(given);
  if (typeof given.file === 'string' && 'dtype' in given) {
    const { dtype, shape } = given as Required<Place>['raw'];
    return { ...place(given.file), raw: { dtype, shape } };
  }
  const parts = new Map(
    Object.entries(given as Readonly<Record<string, CaseFiles | undefined>>).flatMap(([role, file]) =>
      file === undefined ? [] : [[role, placeOfFiles(role, file, place)] as const],
    ),
  );
  const [first] = parts.values();
  if (!first) throw new CellcheckError({ tensor: field, problem: 'names no file' });
  return { path: first.path, label: [...parts.values()].map(({ label }) => label).join(', '), parts };
}

/** The tensors of a place, by name. */
export function openPlace({ path, label, raw, parts }: Place): StateDict {
  if (parts)
    return joined(new Map([...parts].map(([role, part]) => [role, { ...part, opened: openPlace(part) }])));
  if (!raw) return openTensors(path, label);
  return inFile(label, () => rawTensor(fileSource(path, label), raw.dtype, raw.shape), 'format');
}

/** The tensors of several files under the names of their roles. */
function joined(parts: ReadonlyMap<string, Place & { readonly opened: StateDict }>): StateDict {
  const names = new Map([...parts].map(([role, { opened, label }]) => [role, nameIn(opened, role, label)]));
  return {
    specs: new Map([...parts].map(([role, { opened }]) => [role, opened.specs.get(names.get(role)!)!])),
    notes: [...parts.values()].flatMap(({ opened }) => opened.notes ?? []),
    load: (roles) =>
      new Map(
        roles.map((role) => {
          const name = names.get(role)!;
          return [role, parts.get(role)!.opened.load([name]).get(name)!];
        }),
      ),
  };
}

/** The tensor that a file was given for: the only one, or the one with the role's name. */
function nameIn({ specs }: StateDict, role: string, label: string): string {
  const names = [...specs.keys()];
  if (names.length === 1) return names[0];
  if (specs.has(role)) return role;
  throw new CellcheckError({
    file: label,
    found: `${names.length} tensors`,
    expected: `one, or one that is named ${role}`,
  });
}
