import fs from 'node:fs';
import path from 'node:path';
import { caseOf, readTensors, stateDict, type Tensor } from '../../src/index.js';
import { ROOT } from '../cli.js';

export const GPU = path.join(ROOT, 'test', 'data', 'gpu');

/** A reference that a GPU computed, and what its file says of how. */
export interface Made {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly made: Readonly<Record<string, string>>;
}

export function read(name: string): Made {
  const bytes = fs.readFileSync(path.join(GPU, name));
  const file = readTensors(bytes, name);
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
  return { tensors: Object.fromEntries(file.load([...file.specs.keys()])), made: header.__metadata__ };
}

export function caseFrom({ tensors, made }: Made) {
  const { input, output, h_n, c_n, ...weights } = tensors;
  const { nonlinearity } = made;
  return caseOf(stateDict(weights), { input, output, h_n, c_n }, {
    batch_first: false,
    ...(nonlinearity && { nonlinearity }),
  } as Parameters<typeof caseOf>[2]);
}

/** The same reference with one weight of the file changed. */
export function madeWithWeight({ tensors, made }: Made, name: string, at: number, times: number): Made {
  const { shape, data } = tensors[name];
  const wrong = {
    ...tensors[name],
    shape,
    data: data.map((value, i) => (i === at ? Math.fround(value * times) : value)),
  };
  return { made, tensors: { ...tensors, [name]: wrong } };
}
