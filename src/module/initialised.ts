import type { Floats } from '../tensor/dtype.js';
import type { Network, Parameters } from './bind.js';

/**
 * A network of the same sizes with parameters drawn as PyTorch initialises them: uniform in ±1/√hidden_size
 * (https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html).
 * @param seed the same seed gives the same numbers
 * @param biases whether to draw the biases too; else they are kept
 */
export function initialised({ module, layers }: Network, seed: number, biases: boolean): Network {
  const limit = 1 / Math.sqrt(module.hidden_size);
  // xorshift: the numbers need not be good, but the same in every run.
  let state = seed * 0x9e3779b9 || 1;
  const draw = (values: Floats) =>
    Float64Array.from(values, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return ((state >>> 0) / 2 ** 31 - 1) * limit;
    });
  const drawn = ({ weightIh, weightHh, biasIh, biasHh, weightHr }: Parameters): Parameters => ({
    weightIh: draw(weightIh),
    weightHh: draw(weightHh),
    biasIh: biases ? biasIh && draw(biasIh) : biasIh,
    biasHh: biases ? biasHh && draw(biasHh) : biasHh,
    weightHr: weightHr && draw(weightHr),
  });
  return { module, layers: layers.map((perDirection) => perDirection.map(drawn)) };
}
