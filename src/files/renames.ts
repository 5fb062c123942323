import { CellcheckError, printable } from '../errors.js';
import { EXPECTED_ROLES, INPUT_ROLES, isKnownName, layerRoles } from '../module/case.js';
import { NAMELESS, type StateDict } from '../tensor/state-dict.js';

/** Tensors with other names, ours → theirs. */
export type Names = Readonly<Record<string, string>>;

/** The file that a name is looked for in, and how messages name it. */
type FileFor = (ours: string) => { readonly specs: StateDict['specs']; readonly label?: string };

/** The renames of layers' outputs. */
export function layerNames(names: Names): Names {
  return Object.fromEntries(layerRoles(Object.keys(names)).map((ours) => [ours, names[ours]]));
}

/**
 * The renames, patterns written out: `weight_*_l0=enc_w_*` stands for one rename for each tensor that it fits.
 * @throws CellcheckError where there is no such tensor: a misspelt name would silently not be compared
 */
export function resolvedNames(names: Names, fileFor: FileFor): Names {
  const resolved: Record<string, string> = {};
  for (const [ours, theirs] of Object.entries(names)) {
    const { specs, label } = fileFor(ours);
    const pairs = isPattern(ours, theirs) ? namesFitting(ours, theirs, specs) : [[ours, theirs] as const];
    const [fitting] = pairs;
    if (!fitting) throw noTensor(ours, theirs, specs, label);
    const [first] = fitting;
    if (!isKnownName(first)) {
      throw new CellcheckError({
        problem: `the name ${printable(first)} (for ${printable(theirs)}) is not one that cellcheck reads`,
        hints: [`It is one of ${[...INPUT_ROLES, ...EXPECTED_ROLES].join(', ')}, or a parameter's.`],
      });
    }
    if (pairs.some(([, name]) => !specs.has(name))) throw noTensor(ours, theirs, specs, label);
    for (const [name, other] of pairs) resolved[name] = other;
  }
  return resolved;
}

const isPattern = (ours: string, theirs: string) =>
  ours.split('*').length === 2 && theirs.split('*').length === 2;

function namesFitting(
  ours: string,
  theirs: string,
  specs: StateDict['specs'],
): (readonly [string, string])[] {
  const [before, after] = theirs.split('*');
  return [...specs.keys()].flatMap((name) => {
    if (!name.startsWith(before) || !name.endsWith(after) || name.length <= before.length + after.length)
      return [];
    const middle = name.slice(before.length, name.length - after.length);
    const known = ours.replace('*', () => middle);
    return isKnownName(known) ? [[known, name] as const] : [];
  });
}

const WITHOUT_NAME =
  'Its one tensor has no name, and is what the file is given for. A case.json names it: { "expected": { "c_n": "FILE" } }.';

function noTensor(ours: string, theirs: string, specs: StateDict['specs'], label?: string): CellcheckError {
  const known = [...specs.keys()].filter((name) => name !== NAMELESS);
  return new CellcheckError({
    file: label,
    problem: `no tensor is named ${printable(theirs)}, which ${printable(ours)} should be read from`,
    hints:
      known.length === 0
        ? [WITHOUT_NAME]
        : [`There are ${known.slice(0, 12).map(printable).join(', ')}${known.length > 12 ? ', …' : ''}.`],
  });
}
