import { shortened } from '../errors.js';
import type { ListedModule } from '../module/list.js';
import { reportedError } from './in-words.js';
import { errorObject, json, moduleObject } from './json.js';
import type { ListResult, Reporter, ReporterOptions } from './reporter.js';

/** One JSON document; its schema is schemas/published/list.schema.json. */
export function listingJson({ version }: ReporterOptions): Reporter<'list'> {
  const files: object[] = [];
  return {
    begin: () => '',
    result(result) {
      files.push(fileObject(result));
      return '';
    },
    end: () => `${json({ version: 1, cellcheck: version, files })}\n`,
  };
}

function fileObject({ file, checkpoint, error }: ListResult): object {
  if (error) return { file: shortened(file), error: errorObject(reportedError(error)) };
  const { modules, more, others } = checkpoint;
  return {
    file: shortened(file),
    modules: modules.map(listedModuleObject),
    more,
    others: others.map(({ name, spec: { dtype, shape } }) => ({ name: shortened(name), dtype, shape })),
  };
}

function listedModuleObject({ prefix, parameters, dtypes, is, error }: ListedModule): object {
  if (!is) return { prefix, parameters, dtypes, error: errorObject(reportedError(error!)) };
  const { module, gates, shapes } = is;
  return { ...moduleObject(module, module.bidirectional), parameters, dtypes, gates, shapes };
}
