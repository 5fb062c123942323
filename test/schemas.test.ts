import { expect, test } from 'vitest';
import * as z from 'zod';
import { CASE_SCHEMA } from '../schemas/case.js';
import { CONFIG_SCHEMA } from '../schemas/config.js';
import { DIAGNOSIS_SCHEMA } from '../schemas/diagnosis.js';
import { DIFF_SCHEMA } from '../schemas/diff.js';
import { LIST_SCHEMA } from '../schemas/list.js';
import { REPORT_SCHEMA } from '../schemas/report.js';

// `vitest -u` writes these files anew.
test.each([
  ['case', CASE_SCHEMA, 'A case for cellcheck: which files hold weights, input and expected outputs.'],
  ['config', CONFIG_SCHEMA, 'A suite of cellcheck: cellcheck.config.json.'],
  ['report', REPORT_SCHEMA, 'What cellcheck verify --reporter json writes.'],
  ['diagnosis', DIAGNOSIS_SCHEMA, 'What cellcheck diagnose --reporter json writes.'],
  ['diff', DIFF_SCHEMA, 'What cellcheck diff --reporter json writes.'],
  ['list', LIST_SCHEMA, 'What cellcheck list --reporter json writes.'],
])('the published JSON Schema of a %s is that of the code', async (name, schema, description) => {
  const json = { title: `cellcheck ${name}`, description, ...z.toJSONSchema(schema) };
  await expect(`${JSON.stringify(json, null, 2)}\n`).toMatchFileSnapshot(
    `../schemas/published/${name}.schema.json`,
  );
});
