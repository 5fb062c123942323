import fs from 'node:fs';
import path from 'node:path';
import {
  type CaseFile,
  type CaseOptions,
  parseCaseFile,
  parseCaseOptions,
  parseMetadataOptions,
  type SchemaIssue,
} from '../../schemas/case.js';
import { CellcheckError, inFile, joinErrors, printable } from '../errors.js';
import { NAMELESS } from '../formats/json.js';
import {
  type Case,
  EXPECTED_ROLES,
  INPUT_ROLES,
  isKnownName,
  noRole,
  pickRoles,
  type Role,
} from '../module/case.js';
import { renamed, type StateDict } from '../tensor/state-dict.js';
import type { Tensor } from '../tensor/tensor.js';
import { fileError } from './open.js';
import { openTensors, readJson } from './tensors.js';

export interface LoadOptions {
  readonly cwd: string;
  /** Lets a case name files outside its folder and the working directory. */
  readonly allowOutside: boolean;
  /** Tensors with other names, ours → theirs; wins over the case's own. */
  readonly names: Readonly<Record<string, string>>;
}

/** The three files of a case on the command line. */
export interface CasePaths {
  readonly weights: string;
  readonly input: string;
  readonly expected: string;
}

/**
 * Loads a case file or a bundle.
 * @param label how messages name it
 * @throws CellcheckError that names file, tensor, and what to try
 */
export function loadCase(file: string, label: string, options: LoadOptions): Case {
  const fileLabel =
    path.basename(label) === path.basename(file) ? label : path.join(label, path.basename(file));
  if (!file.toLowerCase().endsWith('.safetensors')) {
    const json = readJson(file, fileLabel);
    if (typeof json.weights === 'string' || path.basename(file) === 'case.json') {
      return loadCaseFile(file, fileLabel, valid(parseCaseFile(json), fileLabel), options);
    }
  }
  return loadBundle(file, fileLabel, options);
}

/** Loads a case that is three files on the command line; they may lie anywhere. */
export function loadFiles(paths: CasePaths, options: LoadOptions): Case {
  const at = (file: string) => ({ path: path.resolve(options.cwd, file), label: file });
  return assemble(at(paths.weights), at(paths.input), at(paths.expected), {}, options);
}

interface Place {
  readonly path: string;
  readonly label: string;
}

function loadCaseFile(file: string, label: string, said: CaseFile, options: LoadOptions): Case {
  const folder = path.dirname(file);
  const at = (field: 'weights' | 'input' | 'expected'): Place => {
    const target = path.resolve(folder, said[field]);
    if (!options.allowOutside) mustBeInside(target, [folder, options.cwd], label, field, said[field]);
    return { path: target, label: path.join(path.dirname(label), said[field]) };
  };
  return assemble(at('weights'), at('input'), at('expected'), said, options);
}

function loadBundle(file: string, label: string, options: LoadOptions): Case {
  const { tensors, options: beside, metadata } = openTensors(file, label);
  const said =
    beside !== undefined
      ? valid(parseCaseOptions(beside), label, 'case')
      : valid(parseMetadataOptions(metadata ?? {}), label);
  const names = { ...said.names, ...options.names };
  mustExist(names, [tensors], label);
  const bundle = renamed(tensors, names);
  return inFile(label, () => {
    const picked = pickRoles([...bundle.specs.keys()], [...INPUT_ROLES, ...EXPECTED_ROLES]);
    if (!picked.has('input')) throw noRole([...bundle.specs.keys()], ['input']);
    if (!EXPECTED_ROLES.some((role) => picked.has(role)))
      throw noRole([...bundle.specs.keys()], EXPECTED_ROLES);
    return {
      weights: bundle,
      tensors: loadRoles(bundle, picked),
      options: said,
      files: { weights: label, input: label, expected: label },
    };
  });
}

function assemble(
  weights: Place,
  input: Place,
  expected: Place,
  said: CaseOptions,
  options: LoadOptions,
): Case {
  const open = (place: Place) => openTensors(place.path, place.label).tensors;
  const opened = { weights: open(weights), input: open(input), expected: open(expected) };
  const names = { ...said.names, ...options.names };
  mustExist(names, Object.values(opened), expected.label);
  return {
    weights: renamed(opened.weights, names),
    tensors: new Map([
      ...rolesIn(renamed(opened.input, names), INPUT_ROLES, input.label),
      ...rolesIn(renamed(opened.expected, names), EXPECTED_ROLES, expected.label),
    ]),
    options: said,
    files: { weights: weights.label, input: input.label, expected: expected.label },
  };
}

function rolesIn(file: StateDict, roles: readonly Role[], label: string): Map<Role, Tensor> {
  return inFile(label, () => {
    const names = [...file.specs.keys()];
    const picked = pickRoles(names, roles);
    if (picked.size === 0)
      throw noRole(
        names.filter((name) => name !== NAMELESS),
        roles,
      );
    return loadRoles(file, picked);
  });
}

function loadRoles(file: StateDict, picked: ReadonlyMap<Role, string>): Map<Role, Tensor> {
  const loaded = file.load([...picked.values()]);
  return new Map([...picked].map(([role, name]) => [role, loaded.get(name)!]));
}

/** A --name whose tensor is nowhere is a slip: it would quietly not be compared. */
function mustExist(
  names: Readonly<Record<string, string>>,
  files: readonly StateDict[],
  label: string,
): void {
  for (const [ours, theirs] of Object.entries(names)) {
    if (!isKnownName(ours)) {
      throw new CellcheckError({
        file: label,
        problem: `${printable(ours)}=${printable(theirs)} names nothing that cellcheck reads`,
        hints: [
          `The first name is one of ${[...INPUT_ROLES, ...EXPECTED_ROLES].join(', ')}, or a parameter's.`,
        ],
      });
    }
    if (files.some(({ specs }) => specs.has(theirs))) continue;
    const known = files.flatMap(({ specs }) => [...specs.keys()]).filter((name) => name !== NAMELESS);
    throw new CellcheckError({
      file: label,
      problem: `no tensor is named ${printable(theirs)}, which ${printable(ours)} should be read from`,
      hints: [`There are ${known.slice(0, 12).map(printable).join(', ')}${known.length > 12 ? ', …' : ''}.`],
    });
  }
}

function mustBeInside(
  target: string,
  folders: readonly string[],
  file: string,
  field: string,
  given: string,
): void {
  let real: string;
  try {
    real = fs.realpathSync(target);
  } catch (error) {
    throw fileError(error, path.join(path.dirname(file), given), [`${file} names it as its ${field}.`]);
  }
  const inside = folders.some((folder) => {
    const relative = path.relative(fs.realpathSync(folder), real);
    return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
  });
  if (inside) return;
  throw new CellcheckError({
    file,
    tensor: field,
    problem: `${printable(given)} lies outside the case's folder and the working directory`,
    hints: ['Add --allow-outside if you trust the case.'],
  });
}

function valid<T>(
  parsed: { readonly value: T } | { readonly issues: readonly SchemaIssue[] },
  file: string,
  within?: string,
): T {
  if ('value' in parsed) return parsed.value;
  throw joinErrors(
    parsed.issues.map(({ field, problem }) => {
      const place = [within, field].filter(Boolean).join('.');
      return new CellcheckError({ file, tensor: place || undefined, problem });
    }),
  );
}
