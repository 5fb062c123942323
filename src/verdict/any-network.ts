import { isClose } from '../compare/close.js';
import type { Tolerance } from '../compare/tolerance.js';
import { workOf } from '../engine/kernels/choose.js';
import { initialised } from '../module/initialised.js';
import type { Floats } from '../tensor/dtype.js';
import { forwardInThreads } from '../threads/forward.js';
import type { Run } from '../verify.js';

const DRAWN = 20;
const MOST_AGREEING = 10;
/** Of so few multiplications drawn networks take no time; of more, a reference that is flat is answer enough. */
const LITTLE_WORK = 2 ** 28;
/** A reference whose magnitudes are apart by less than so many tolerances may be that of many networks. */
const FLAT = 4;

/**
 * Whether a reference would pass for almost any network, as constant and saturated ones do: tanh's own bound everywhere,
 * or what half of the networks agree with that have weights as PyTorch draws them, with these biases or others.
 */
export async function passesForAny({ boundCase, compared, tensors, settings }: Run): Promise<boolean> {
  const { network, sequence } = boundCase;
  const flat = compared.every(({ data }, i) => isFlat(data, tensors[i].tolerance));
  if (!flat) return false;
  const saturated = compared.every(({ data }, i) => {
    const rule = { ...tensors[i].tolerance, equal_nan: false };
    return data.every((value: number) => isClose(Math.abs(value), 1, rule));
  });
  if (saturated) return true;
  if (DRAWN * workOf(network, sequence) > LITTLE_WORK) return true;
  const layers = compared.length > boundCase.references.length;
  for (const biases of [true, false]) {
    let agreeing = 0;
    for (let seed = 1; seed <= DRAWN && agreeing < MOST_AGREEING; seed++) {
      const outputs = await forwardInThreads(initialised(network, seed, biases), sequence, { layers });
      const ofLayers = boundCase.layerOutputs.flatMap((one, layer) => (one ? [outputs.layers![layer]] : []));
      const actual = [...ofLayers, ...boundCase.references.map(({ name }) => outputs[name]!)];
      const agrees = compared.every(({ data }, i) => {
        const rule = { ...tensors[i].tolerance, equal_nan: settings.equal_nan };
        return data.every((value: number, at: number) => isClose(actual[i][at], value, rule));
      });
      if (agrees) agreeing++;
    }
    if (agreeing === MOST_AGREEING) return true;
  }
  return false;
}

/** Whether magnitudes are apart by no more than a few tolerances; a single value is not apart from anything. */
function isFlat(values: Floats, { rtol, atol }: Tolerance): boolean {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, Math.abs(value));
    most = Math.max(most, Math.abs(value));
  }
  return most - least <= FLAT * (atol + rtol * most);
}
