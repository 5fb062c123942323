import type { CaseFile, CaseFiles, CaseOptions } from '../../schemas/case.js';
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
import { effective } from '../module/effective.js';
import { NAMELESS, renamed, type StateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { openCase, type PlaceOptions, placeOf, valid } from './case-file.js';
import { givenPlace, openTensors, underKey } from './contents.js';
import { isOnnxData, loadOnnxData } from './onnx-data.js';
import { openPlace, type Place, placeOfFiles } from './places.js';
import { layerNames, resolvedNames } from './renames.js';

export interface LoadOptions extends PlaceOptions {
  /** Tensors with other names, ours → theirs. They take precedence over those of the case. */
  readonly names: Readonly<Record<string, string>>;
  /** A file with other outputs than the case's own: those of a port. */
  readonly expected?: string;
  /** The dict in the weights' file that is the state_dict, where the file holds several. It takes precedence over the case's. */
  readonly key?: string;
  /** Allows a case without expected outputs, where nothing is compared. */
  readonly expectedOptional?: boolean;
  /** Which of the cases in a file that holds several. */
  readonly member?: string;
  /** A file with the outputs of layers below the last, `output_l0` …. It takes precedence over that of the case. */
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
  if (isOnnxData(file)) {
    mustHaveOwnOutputs(label, options);
    return loadOnnxData(file, label);
  }
  const { fileLabel, caseLabel, contents, caseFile } = openCase(file, label, options.member);
  if (caseFile) return loadCaseFile(file, fileLabel, caseFile, options);
  mustHaveOwnOutputs(caseLabel, options);
  const tensors = inFile(caseLabel, () => contents.tensors());
  const bundleOptions = contents.options ? valid(contents.options(), caseLabel) : {};
  return inFile(caseLabel, () => loadBundle(tensors, caseLabel, bundleOptions, options));
}

function mustHaveOwnOutputs(file: string, { expected }: LoadOptions): void {
  if (expected === undefined) return;
  throw new CellcheckError({
    file,
    problem: 'has its expected outputs in itself: --expected is for a case.json',
    hints: ['Give three files: --weights, --input and --expected.'],
  });
}

/** The files of a case. */
interface Places {
  readonly weights: Place;
  readonly input: Place;
  readonly expected?: Place;
}

function placesOf(
  { weights, input, expected }: Pick<CaseFile, 'weights' | 'input' | 'expected'>,
  place: (field: string, file: string) => Place,
): Places {
  const placed = (field: string, given: CaseFiles) =>
    placeOfFiles(field, given, (file) => place(field, file));
  return {
    weights: placed('weights', weights),
    input: placed('input', input),
    ...(expected !== undefined && { expected: placed('expected', expected) }),
  };
}

/** Loads a case that is given as three files, which may be anywhere. */
export function loadFiles(paths: CasePaths, options: LoadOptions): Case {
  if (paths.expected === undefined && !options.expectedOptional)
    throw new CellcheckError({
      problem: 'a file with the expected outputs is missing: there is nothing to compare',
    });
  const places = placesOf(paths, (_, file) => givenPlace(file, options.cwd));
  const layersApart = options.layerOutputs !== undefined;
  return withLayers(loadPlaces(places, {}, options, layersApart), undefined, options);
}

function loadCaseFile(file: string, label: string, caseFile: CaseFile, options: LoadOptions): Case {
  const { weights, input, expected, layer_outputs, description, exported, $schema, ...caseOptions } =
    caseFile;
  if ((expected ?? options.expected) === undefined && !options.expectedOptional)
    throw new CellcheckError({ file: label, tensor: 'expected', problem: 'is missing: text is needed' });
  const place = (field: string, given: string) => placeOf(field, given, file, label, options);
  const own = inFile(label, () => placesOf({ weights, input, expected }, place));
  const places =
    options.expected === undefined ? own : { ...own, expected: givenPlace(options.expected, options.cwd) };
  // The layers of another network's outputs are not this case's.
  const isOwn = options.expected === undefined;
  const layers = layer_outputs !== undefined && isOwn ? place('layer_outputs', layer_outputs) : undefined;
  const layersApart = layers !== undefined || options.layerOutputs !== undefined;
  return withLayers(loadPlaces(places, caseOptions, options, layersApart), layers, options);
}

/** The case with the outputs of layers, where a separate file has them. */
function withLayers(loaded: Case, layers: Place | undefined, options: LoadOptions): Case {
  const { layerOutputs, cwd } = options;
  const place = layerOutputs === undefined ? layers : givenPlace(layerOutputs, cwd);
  if (!place) return loaded;
  const opened = openTensors(place.path, place.label);
  const stated = layerNames({ ...loaded.options.names, ...options.names });
  const names = resolvedNames(stated, () => ({ specs: opened.specs, label: place.label }));
  const file = renamed(opened, names);
  inFile(place.label, () => mustBeTensors(file));
  const roles = layerRoles(file.specs.keys());
  if (roles.length === 0) {
    const present = [...file.specs.keys()].slice(0, 8).map(printable).join(', ');
    throw new CellcheckError({
      file: place.label,
      found: present ? `tensors named ${present}` : 'no tensors',
      expected: 'output_l0, output_l1, …: outputs of layers below the last',
    });
  }
  const tensors = inFile(place.label, () => loadRoles(file, new Map(roles.map((role) => [role, role]))));
  const unused = [...file.specs.keys()].filter((name) => !(roles as readonly string[]).includes(name));
  return {
    ...loaded,
    tensors: new Map([...loaded.tensors, ...tensors]),
    notes: [...(loaded.notes ?? []), ...notesOf([[opened, place.label]])],
    warnings: [...(loaded.warnings ?? []), ...unusedWarnings(unused, place.label)],
    files: { ...loaded.files, layers: place.label },
  };
}

function loadBundle(tensors: StateDict, label: string, caseOptions: CaseOptions, options: LoadOptions): Case {
  const names = resolvedNames({ ...caseOptions.names, ...options.names }, () => ({
    specs: tensors.specs,
    label,
  }));
  const bundle = renamed(tensors, names);
  const present = [...bundle.specs.keys()];
  const roles = inFile(label, () => {
    mustBeTensors(bundle);
    const { picked, unused } = pickRoles(present, [...INPUT_ROLES, ...EXPECTED_ROLES], true);
    if (!picked.has('input')) {
      const { parts } = noRole(present, ['input']);
      const hints = [
        ...(parts.hints ?? []),
        'Weights alone are not a case: give them as --weights, together with --input.',
      ];
      throw new CellcheckError({ ...parts, hints });
    }
    if (!options.expectedOptional && !EXPECTED_ROLES.some((role) => picked.has(role)))
      throw noRole(present, EXPECTED_ROLES);
    return { tensors: loadRoles(bundle, picked), unused };
  });
  const weights = effective(underKey(bundle, options.key ?? caseOptions.key, label));
  const loaded = {
    weights,
    tensors: roles.tensors,
    options: caseOptions,
    notes: notesOf([[weights, label]]),
    warnings: unusedWarnings(roles.unused, label),
    files: { weights: label, input: label, expected: label },
  };
  return withLayers(loaded, undefined, options);
}

/**
 * Loads a case from its files.
 * @param layersApart whether a separate file has the outputs of layers
 */
function loadPlaces(
  places: Places,
  caseOptions: CaseOptions,
  options: LoadOptions,
  layersApart: boolean,
): Case {
  const { weights, input, expected } = places;
  const opened = {
    weights: underKey(openPlace(weights), options.key ?? caseOptions.key, weights.label),
    input: openPlace(input),
    expected: expected && openPlace(expected),
  };
  const allNames = { ...caseOptions.names, ...options.names };
  // The separate file is where the names of layers' outputs are looked for.
  const elsewhere = layersApart ? Object.keys(layerNames(allNames)) : [];
  const stated = Object.fromEntries(Object.entries(allNames).filter(([ours]) => !elsewhere.includes(ours)));
  const names = resolvedNames(stated, (ours) => {
    const role = (INPUT_ROLES as readonly string[]).includes(ours)
      ? 'input'
      : (EXPECTED_ROLES as readonly string[]).includes(ours) || layerRoles([ours]).length
        ? 'expected'
        : 'weights';
    return { specs: opened[role]?.specs ?? new Map(), label: places[role]?.label };
  });
  const rolesIn = (role: 'input' | 'expected', roles: Parameters<typeof pickRoles>[1]) => {
    const { path: file, label } = places[role]!;
    const isShared = Object.entries(places).some(([other, place]) => other !== role && place.path === file);
    const tensors = renamed(opened[role]!, names);
    return inFile(label, () => {
      mustBeTensors(tensors);
      const present = [...tensors.specs.keys()];
      const { picked, unused } = pickRoles(present, roles, isShared);
      if (picked.size === 0)
        throw noRole(
          present.filter((name) => name !== NAMELESS),
          roles,
        );
      return { tensors: loadRoles(tensors, picked), warnings: unusedWarnings(unused, label) };
    });
  };
  const inputs = rolesIn('input', INPUT_ROLES);
  const references = expected ? rolesIn('expected', EXPECTED_ROLES) : { tensors: new Map(), warnings: [] };
  const effectiveWeights = effective(renamed(opened.weights, names));
  inFile(weights.label, () => mustBeTensors(opened.weights));
  return {
    weights: effectiveWeights,
    tensors: new Map([...inputs.tensors, ...references.tensors]),
    options: caseOptions,
    notes: notesOf([
      [effectiveWeights, weights.label],
      [opened.input, input.label],
      [opened.expected, expected?.label ?? ''],
    ]),
    warnings: [...inputs.warnings, ...references.warnings],
    files: { weights: weights.label, input: input.label, expected: expected?.label },
  };
}

/** @throws CellcheckError for something that has the name of a role or a parameter, and is no tensor */
function mustBeTensors({ specs, aside = new Map() }: StateDict): void {
  for (const [name, reason] of aside)
    if (isKnownName(name)) throw new CellcheckError({ tensor: name, ...reason });
  for (const name of specs.keys()) {
    const [, role] = PART_OF_ROLE.exec(name) ?? [];
    if (role === undefined || specs.has(role)) continue;
    throw new CellcheckError({
      tensor: role,
      found: `tensors inside it, as ${printable(name)}`,
      expected: 'one tensor',
      hints: ['Stack several: torch.stack(…).contiguous().'],
    });
  }
}

/** A tensor inside what has the name of a role. (A layer of a model may be called `output`, and has a weight.) */
const PART_OF_ROLE = /^(input|h_0|c_0|lengths|output|h_n|c_n)\.(?:\d+|data|values?|tensor)$/;

/** The notes of files, without duplicates. */
function notesOf(files: readonly (readonly [StateDict | undefined, string])[]): string[] {
  const notes = files.flatMap(([file, label]) =>
    [...(file?.notes ?? []), ...asideNotes(file)].map((note) => `${printable(label)}: ${note}`),
  );
  return [...new Set(notes)];
}

function asideNotes(file: StateDict | undefined): string[] {
  const names = [...(file?.aside?.keys() ?? [])];
  if (names.length === 0) return [];
  return [`left aside, no tensors: ${firstOf(names)}`];
}

function unusedWarnings(names: readonly string[], label: string): string[] {
  if (names.length === 0) return [];
  return [`${printable(label)}: ${firstOf(names)} not used`];
}

function firstOf(names: readonly string[]): string {
  return names.slice(0, 8).map(printable).join(', ') + (names.length > 8 ? ', …' : '');
}

function loadRoles(file: StateDict, picked: ReadonlyMap<Role, string>): Map<Role, Tensor> {
  const loaded = file.load([...picked.values()]);
  return new Map([...picked].map(([role, name]) => [role, loaded.get(name)!]));
}
