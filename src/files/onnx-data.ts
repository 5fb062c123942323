import fs from 'node:fs';
import path from 'node:path';
import { CellcheckError, inFile, listed, printable } from '../errors.js';
import type { Source } from '../formats/format.js';
import { openTestData } from '../formats/onnx/open.js';
import { type Case, EXPECTED_ROLES, INPUT_ROLES, type Role } from '../module/case.js';
import { fileSource } from './contents.js';

const DATA_SET = /^test_data_set_\d+$/;

/** Whether a folder holds test data of an ONNX model: `input_0.pb`, `output_0.pb` … */
export function isOnnxData(folder: string): boolean {
  return fs.existsSync(path.join(folder, 'input_0.pb'));
}

/** The folders with test data in the folder of an ONNX model, as `test_data_set_0`; none where it is not one. */
export function onnxDataIn(folder: string): string[] {
  return fs
    .readdirSync(folder)
    .filter((name) => DATA_SET.test(name) && isOnnxData(path.join(folder, name)))
    .sort((a, b) => Number(a.split('_')[3]) - Number(b.split('_')[3]));
}

/**
 * Loads a case from test data of an ONNX model, and from the model, which is beside them or in the folder above.
 * @param label how messages name the folder
 */
export function loadOnnxData(folder: string, label: string): Case {
  const model = modelFor(folder, label);
  const read = (kind: string): Source[] => {
    const files = fs
      .readdirSync(folder)
      .flatMap((name) => new RegExp(`^${kind}_(\\d+)\\.pb$`).exec(name) ?? []);
    const count = files.filter((part) => /^\d+$/.test(part)).length;
    return Array.from({ length: count }, (_, i) =>
      fileSource(path.join(folder, `${kind}_${i}.pb`), path.join(label, `${kind}_${i}.pb`)),
    );
  };
  return inFile(model.label, () => {
    const source = fileSource(model.path, model.label);
    const { tensors, weights, batch_first, warnings } = openTestData(source, read('input'), read('output'));
    const roles: readonly string[] = [...INPUT_ROLES, ...EXPECTED_ROLES];
    return {
      weights,
      tensors: new Map(
        [...tensors].flatMap(([role, tensor]) => (roles.includes(role) ? [[role as Role, tensor]] : [])),
      ),
      options: { batch_first },
      notes: weights.notes,
      warnings: warnings.map((warning) => `${printable(model.label)}: ${warning}`),
      files: { weights: model.label, input: label, expected: label },
    };
  });
}

function modelFor(folder: string, label: string): { readonly path: string; readonly label: string } {
  const places = [
    { path: folder, label },
    { path: path.dirname(folder), label: path.dirname(label) },
  ];
  const models = places.flatMap((place) =>
    fs
      .readdirSync(place.path)
      .filter((name) => name.toLowerCase().endsWith('.onnx'))
      .map((name) => ({ path: path.join(place.path, name), label: path.join(place.label, name) })),
  );
  if (models.length === 1) return models[0];
  throw new CellcheckError({
    file: label,
    found: models.length
      ? `the models ${listed(
          models.map((model) => model.label),
          ' and ',
        )}`
      : 'no model',
    expected: 'one .onnx file, beside the test data or in the folder above',
  });
}
