import type { Axes } from '../../src/tensor/reference.js';

/** The output of a single layer that runs forward. */
export const outputAxes = (steps: number): Axes => ({ layer: 0, directions: ['forward'], steps });

/** The final states of layers that run forward. */
export const stateAxes = (steps: number): Axes => ({ directions: ['forward'], steps });

/** Both directions, of a layer's output or of final states. */
export const bothDirections = ({ layer, steps }: Axes): Axes => ({
  layer,
  directions: ['forward', 'reverse'],
  steps,
});
