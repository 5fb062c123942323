import type { Bound, Network, Sequence } from '../../src/module/bind.js';
import { EXPECTED_ROLES } from '../../src/module/case.js';
import { directions, outputSize } from '../../src/module/parameters.js';
import type { FloatDtype, Floats } from '../../src/tensor/dtype.js';

/** A network and its references, as `bind` would have them. */
export function boundOf(
  network: Network,
  sequence: Sequence,
  expected: Readonly<Partial<Record<(typeof EXPECTED_ROLES)[number], Floats>>>,
  dtype: FloatDtype = 'F32',
): Bound {
  const { module, layers } = network;
  const { steps, batch } = sequence;
  const ways = directions(module).length;
  const size = outputSize(module);
  const units = { output: size * ways, h_n: size, c_n: module.hiddenSize };
  return {
    network,
    sequence,
    references: EXPECTED_ROLES.flatMap((name) => {
      const data = expected[name];
      return data
        ? [{ name, dtype, rows: data.length / batch / units[name], batch, units: units[name], data }]
        : [];
    }),
    layerOutputs: layers.map(() => undefined),
    layout: { batchFirst: false, batched: true, timed: true, steps, batch },
    otherLayoutFits: false,
  };
}
