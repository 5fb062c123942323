import { isClose } from '../compare/close.js';
import type { Tolerance } from '../compare/tolerance.js';
import { workOf } from '../engine/kernels/choose.js';
import { initialised } from '../module/initialised.js';
import { outputFor } from '../module/known-outputs.js';
import type { Floats } from '../tensor/dtype.js';
import { forwardInThreads } from '../threads/forward.js';
import type { Run } from './run.js';

/** Networks that are drawn at random; if half of them agree with the reference, almost any network would pass. */
const DRAWN = 20;
const ENOUGH_AGREEING = 10;
/** Multiplications that take no noticeable time. Above that, a flat reference is answer enough. */
const LITTLE_WORK = 2 ** 28;
/** A reference is flat where its magnitudes are less than this number of tolerances apart. */
const FLAT = 4;

/**
 * Whether almost any network would pass, as for constant and saturated references: every value is at tanh's bound, or
 * half of the networks with weights as PyTorch draws them agree, with these biases or with drawn ones.
 */
export async function passesForAny({ boundCase, tensors, settings }: Run): Promise<boolean> {
  const { network, sequence } = boundCase;
  const flat = tensors.every(({ reference, comparison }) => isFlat(reference.data, comparison.tolerance));
  if (!flat) return false;
  const saturated = tensors.every(({ reference, comparison }) => {
    const rule = { ...comparison.tolerance, equal_nan: false };
    return reference.data.every((value: number) => isClose(Math.abs(value), 1, rule));
  });
  if (saturated) return true;
  if (DRAWN * workOf(network, sequence) > LITTLE_WORK) return true;
  const layers = boundCase.layerOutputs.length > 0;
  for (const biases of [true, false]) {
    let agreeing = 0;
    for (let seed = 1; seed <= DRAWN && agreeing < ENOUGH_AGREEING; seed++) {
      const outputs = await forwardInThreads(initialised(network, seed, biases), sequence, { layers });
      const agrees = tensors.every(({ reference, comparison }) => {
        const drawn = outputFor(reference, outputs);
        const rule = { ...comparison.tolerance, equal_nan: settings.equal_nan };
        return reference.data.every((value: number, i: number) => isClose(drawn[i], value, rule));
      });
      if (agrees) agreeing++;
    }
    if (agreeing === ENOUGH_AGREEING) return true;
  }
  return false;
}

/** Whether magnitudes are no more than a few tolerances apart; a single value always is flat. */
function isFlat(values: Floats, { rtol, atol }: Tolerance): boolean {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  const isFlatSoFar = () => most - least <= FLAT * (atol + rtol * most);
  // What is not flat does not become flat by more values, unless the tolerance grows faster than they do.
  const canStop = FLAT * rtol < 1;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    // Infinities and NaN do not count.
    if (!(size < Number.POSITIVE_INFINITY) || (size <= most && size >= least)) continue;
    if (size > most) most = size;
    if (size < least) least = size;
    if (canStop && !isFlatSoFar()) return false;
  }
  return isFlatSoFar();
}
