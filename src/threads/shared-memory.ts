import type { Compute } from '../engine/options.js';
import type { Screen } from '../engine/screen.js';
import type { Network } from '../module/bind.js';
import type { Floats } from '../tensor/dtype.js';

/** The network with its parameters in shared memory, so that all threads use one copy. */
export function networkInSharedMemory(network: Network): Network {
  return {
    ...network,
    layers: network.layers.map((perDirection) =>
      perDirection.map((parameters) => {
        const entries = Object.entries(parameters).filter(([, values]) => values !== undefined);
        return Object.fromEntries(
          entries.map(([name, values]) => [name, inSharedMemory(values)]),
        ) as unknown as typeof parameters;
      }),
    ),
  };
}

/** The screen with its reference in shared memory, of which each thread reads its own rows. */
export function screenInSharedMemory(screen: Screen): Screen {
  const { expected } = screen;
  return { ...screen, expected: expected && { ...expected, values: inSharedMemory(expected.values) } };
}

export function inSharedMemory(values: Floats): Floats {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  const copy = sharedFloats(values instanceof Float64Array ? 'float64' : 'float32', values.length);
  copy.set(values);
  return copy;
}

export function sharedFloats(compute: Compute, length: number): Floats {
  return compute === 'float64'
    ? new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT))
    : new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}
