import { CellcheckError } from '../errors.js';
import { bind } from '../module/bind.js';
import { type Case, isInput } from '../module/case.js';
import { type Module, outputSize } from '../module/parameters.js';
import { timeFirst } from '../module/references.js';
import { HALF_WIDTH } from '../module/slips.js';
import { forwardInThreads } from '../threads/forward.js';
import type { Settings } from './settings.js';

/** What programs make of both directions, from a value of each. */
const OF_BOTH: Readonly<Record<string, (forward: number, reverse: number) => number>> = {
  'the sum of both directions': (forward, reverse) => forward + reverse,
  'the mean of both directions': (forward, reverse) => (forward + reverse) / 2,
  'the product of both directions': (forward, reverse) => forward * reverse,
  'the larger of both directions': Math.max,
  'the forward direction alone': (forward) => forward,
  'the reverse direction alone': (_, reverse) => reverse,
};
/** The largest difference that counts as the same. */
const SAME = 1e-3;

/** The same error; where the output has half of a bidirectional module's width, with what that half is. */
export async function explainHalf(
  error: unknown,
  module: Module,
  loaded: Case,
  settings: Settings,
): Promise<unknown> {
  if (!(error instanceof CellcheckError)) return error;
  const { hints = [] } = error.parts;
  if (!hints.some((hint) => hint.trim() === HALF_WIDTH)) return error;
  const made = await madeOf(module, loaded, settings);
  return made === undefined
    ? error
    : new CellcheckError({
        ...error.parts,
        hints: hints.map((hint) =>
          hint.trim() === HALF_WIDTH ? hint.replace(HALF_WIDTH, saying(made)) : hint,
        ),
      });
}

function saying(made: string): string {
  return `This is ${made}: PyTorch has forward and reverse beside each other, [T, B, 2·hidden_size].`;
}

/** What the output is made of; undefined where it is none of these. */
async function madeOf(module: Module, loaded: Case, settings: Settings): Promise<string | undefined> {
  const inputs = new Map([...loaded.tensors].filter(([role]) => isInput(role)));
  const { network, sequence, layout } = bind(module, { ...loaded, tensors: inputs }, settings.batch_first);
  const { output } = await forwardInThreads(network, sequence, { speed: settings.speed });
  const size = outputSize(module);
  const { data } = loaded.tensors.get('output')!;
  if (data.length * 2 !== output.length) return undefined;
  const expected = timeFirst(data, layout, layout.steps, size);
  const isMadeBy = (combine: (forward: number, reverse: number) => number) =>
    expected.every((value, i) => {
      const forward = Math.floor(i / size) * 2 * size + (i % size);
      return Math.abs(value - combine(output[forward], output[forward + size])) <= SAME;
    });
  return Object.keys(OF_BOTH).find((name) => isMadeBy(OF_BOTH[name]));
}
