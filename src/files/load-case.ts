import path from 'node:path';
import type { CaseFile, CaseOptions } from '../../schemas/case.js';
import { CellcheckError, inFile, printable } from '../errors.js';
import {
  type Case,
  EXPECTED_ROLES,
  INPUT_ROLES,
  isKnownName,
  layerRoles,
  noRole,
  pickRoles,
  type Role,
} from '../module/case.js';
import { NAMELESS, renamed, type StateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { caseFileIn, labelOf, type Place, type PlaceOptions, placeOf, valid } from './case-file.js';
import { openFile, openTensors } from './contents.js';

export interface LoadOptions extends PlaceOptions {
  /** Tensors with other names, ours → theirs; wins over the case's own. */
  readonly names: Readonly<Record<string, string>>;
  /** Whether a case may do without expected outputs: there is nothing to compare then. */
  readonly expectedOptional?: boolean;
  /** A file with outputs of layers below the last, `output_l0` …; wins over the case's own. */
  readonly layerOutputs?: string;
}

/** The three files of a case on the command line. */
export interface CasePaths {
  readonly weights: string;
  readonly input: string;
  readonly expected?: string;
}

/**
 * Loads a case file or a bundle.
 * @param label how messages name it
 * @throws CellcheckError that names file, tensor, and what to try
 */
export function loadCaseAt(file: string, label: string, options: LoadOptions): Case {
  const fileLabel = labelOf(file, label);
  const contents = openFile(file, fileLabel);
  const caseFile = caseFileIn(contents.document, file, fileLabel);
  if (caseFile) return loadCaseFile(file, fileLabel, caseFile, options);
  const tensors = contents.tensors();
  const bundleOptions = contents.options ? valid(contents.options(), fileLabel) : {};
  return inFile(fileLabel, () => loadBundle(tensors, fileLabel, bundleOptions, options));
}

/** Loads a case that is three files on the command line; they may lie anywhere. */
export function loadFiles(paths: CasePaths, options: LoadOptions): Case {
  const at = (file: string) => ({ path: path.resolve(options.cwd, file), label: file });
  const { weights, input, expected } = paths;
  if (expected === undefined && !options.expectedOptional)
    throw new CellcheckError({
      problem: 'a file with the expected outputs is missing: there is nothing to compare',
    });
  const reference = expected === undefined ? undefined : at(expected);
  const apart = options.layerOutputs !== undefined;
  return withLayers(assemble(at(weights), at(input), reference, {}, options, apart), undefined, options);
}

function loadCaseFile(file: string, label: string, said: CaseFile, options: LoadOptions): Case {
  const { weights, input, expected } = said;
  if (expected === undefined && !options.expectedOptional)
    throw new CellcheckError({ file: label, tensor: 'expected', problem: 'is missing: text is needed' });
  const at = (field: string, given: string) => placeOf(field, given, file, label, options);
  const reference = expected === undefined ? undefined : at('expected', expected);
  const own = said.layer_outputs === undefined ? undefined : at('layer_outputs', said.layer_outputs);
  const apart = own !== undefined || options.layerOutputs !== undefined;
  const one = assemble(at('weights', weights), at('input', input), reference, said, options, apart);
  return withLayers(one, own, options);
}

/** A case with the outputs of layers that a file of their own has. */
function withLayers(one: Case, own: Place | undefined, options: LoadOptions): Case {
  const { layerOutputs, cwd } = options;
  const place =
    layerOutputs === undefined ? own : { path: path.resolve(cwd, layerOutputs), label: layerOutputs };
  if (!place) return one;
  const opened = openTensors(place.path, place.label);
  const names = ofLayers({ ...one.options.names, ...options.names });
  mustExist(names, () => ({ specs: opened.specs, label: place.label }));
  const file = renamed(opened, names);
  const roles = layerRoles(file.specs.keys());
  if (roles.length === 0) {
    const some = [...file.specs.keys()].slice(0, 8).map(printable).join(', ');
    throw new CellcheckError({
      file: place.label,
      found: some ? `tensors named ${some}` : 'no tensors',
      expected: 'output_l0, output_l1, …: outputs of layers below the last',
    });
  }
  const tensors = inFile(place.label, () => loadRoles(file, new Map(roles.map((role) => [role, role]))));
  const unused = [...file.specs.keys()].filter((name) => !(roles as readonly string[]).includes(name));
  return {
    ...one,
    tensors: new Map([...one.tensors, ...tensors]),
    notes: [...(one.notes ?? []), ...notesOf([[opened, place.label]])],
    warnings: [...(one.warnings ?? []), ...unusedWarnings(unused, place.label)],
    files: { ...one.files, layers: place.label },
  };
}

/** Those names that are of layers' outputs. */
function ofLayers(names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(layerRoles(Object.keys(names)).map((ours) => [ours, names[ours]]));
}

function loadBundle(tensors: StateDict, label: string, said: CaseOptions, options: LoadOptions): Case {
  const names = { ...said.names, ...options.names };
  mustExist(names, () => ({ specs: tensors.specs, label }));
  const bundle = renamed(tensors, names);
  const inside = [...bundle.specs.keys()];
  const roles = inFile(label, () => {
    const { picked, unused } = pickRoles(inside, [...INPUT_ROLES, ...EXPECTED_ROLES], true);
    if (!picked.has('input')) {
      const { parts } = noRole(inside, ['input']);
      const hints = [
        ...(parts.hints ?? []),
        'Of weights alone no case is made: give them as --weights, beside --input.',
      ];
      throw new CellcheckError({ ...parts, hints });
    }
    if (!options.expectedOptional && !EXPECTED_ROLES.some((role) => picked.has(role)))
      throw noRole(inside, EXPECTED_ROLES);
    return { tensors: loadRoles(bundle, picked), unused };
  });
  const one = {
    weights: bundle,
    tensors: roles.tensors,
    options: said,
    notes: notesOf([[tensors, label]]),
    warnings: unusedWarnings(roles.unused, label),
    files: { weights: label, input: label, expected: label },
  };
  return withLayers(one, undefined, options);
}

function assemble(
  weights: Place,
  input: Place,
  expected: Place | undefined,
  said: CaseOptions,
  options: LoadOptions,
  layersApart: boolean,
): Case {
  const places = { weights, input, ...(expected && { expected }) };
  const open = (place: Place) => openTensors(place.path, place.label);
  const opened = { weights: open(weights), input: open(input), expected: expected && open(expected) };
  const names = { ...said.names, ...options.names };
  // Where layers' outputs have a file of their own, their names are looked for there.
  const elsewhere = layersApart ? Object.keys(ofLayers(names)) : [];
  const here = Object.fromEntries(Object.entries(names).filter(([ours]) => !elsewhere.includes(ours)));
  mustExist(here, (ours) => {
    const role = (INPUT_ROLES as readonly string[]).includes(ours)
      ? 'input'
      : (EXPECTED_ROLES as readonly string[]).includes(ours) || layerRoles([ours]).length
        ? 'expected'
        : 'weights';
    return { specs: opened[role]?.specs ?? new Map(), label: places[role]?.label };
  });
  const rolesIn = (role: 'input' | 'expected', roles: Parameters<typeof pickRoles>[1]) => {
    const { path: file, label } = places[role]!;
    const shared = Object.entries(places).some(([other, place]) => other !== role && place.path === file);
    const mapped = renamed(opened[role]!, here);
    return inFile(label, () => {
      const inside = [...mapped.specs.keys()];
      const { picked, unused } = pickRoles(inside, roles, shared);
      if (picked.size === 0)
        throw noRole(
          inside.filter((name) => name !== NAMELESS),
          roles,
        );
      return { tensors: loadRoles(mapped, picked), warnings: unusedWarnings(unused, label) };
    });
  };
  const inputs = rolesIn('input', INPUT_ROLES);
  const references = expected ? rolesIn('expected', EXPECTED_ROLES) : { tensors: new Map(), warnings: [] };
  return {
    weights: renamed(opened.weights, here),
    tensors: new Map([...inputs.tensors, ...references.tensors]),
    options: said,
    notes: notesOf([
      [opened.weights, weights.label],
      [opened.input, input.label],
      [opened.expected, expected?.label ?? ''],
    ]),
    warnings: [...inputs.warnings, ...references.warnings],
    files: { weights: weights.label, input: input.label, expected: expected?.label },
  };
}

/** What the files say of themselves, each once. */
function notesOf(files: readonly (readonly [StateDict | undefined, string])[]): string[] {
  const notes = files.flatMap(([file, label]) =>
    (file?.notes ?? []).map((note) => `${printable(label)}: ${note}`),
  );
  return [...new Set(notes)];
}

function unusedWarnings(names: readonly string[], label: string): string[] {
  if (names.length === 0) return [];
  const some = names.slice(0, 8).map(printable).join(', ');
  return [`${printable(label)}: ${some}${names.length > 8 ? ', …' : ''} not used`];
}

function loadRoles(file: StateDict, picked: ReadonlyMap<Role, string>): Map<Role, Tensor> {
  const loaded = file.load([...picked.values()]);
  return new Map([...picked].map(([role, name]) => [role, loaded.get(name)!]));
}

/** A --name whose tensor is nowhere is a slip: it would quietly not be compared. */
function mustExist(
  names: Readonly<Record<string, string>>,
  fileFor: (ours: string) => { specs: StateDict['specs']; label?: string },
): void {
  for (const [ours, theirs] of Object.entries(names)) {
    const { specs, label } = fileFor(ours);
    if (!isKnownName(ours)) {
      throw new CellcheckError({
        problem: `the name ${printable(ours)} (for ${printable(theirs)}) is none that cellcheck reads`,
        hints: [`It is one of ${[...INPUT_ROLES, ...EXPECTED_ROLES].join(', ')}, or a parameter's.`],
      });
    }
    if (specs.has(theirs)) continue;
    const known = [...specs.keys()].filter((name) => name !== NAMELESS);
    throw new CellcheckError({
      file: label,
      problem: `no tensor is named ${printable(theirs)}, which ${printable(ours)} should be read from`,
      hints: [`There are ${known.slice(0, 12).map(printable).join(', ')}${known.length > 12 ? ', …' : ''}.`],
    });
  }
}
