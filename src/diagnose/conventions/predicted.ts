import type { Floats } from '../../tensor/dtype.js';

/** The outputs that another program would give. NaN stands for what was not computed. */
export interface Predicted {
  /** [steps, batch, directions·output size] */
  readonly output: Floats;
  /** [layers·directions, batch, output size]; absent where the other program has no such states */
  readonly h_n?: Floats;
  /** [layers·directions, batch, hidden_size], LSTM only; absent as `h_n` is */
  readonly c_n?: Floats;
}
