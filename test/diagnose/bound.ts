import type { Bound, Network, Parameters, Sequence } from '../../src/module/bind.js';
import { EXPECTED_ROLES } from '../../src/module/case.js';
import { directions, outputSize } from '../../src/module/parameters.js';
import type { Floats } from '../../src/tensor/dtype.js';

/** A network and its float32 references, as `bind` would have them. */
export function boundOf(
  network: Network,
  sequence: Sequence,
  expected: Readonly<Partial<Record<(typeof EXPECTED_ROLES)[number], Floats>>>,
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
        ? [{ name, dtype: 'F32', rows: data.length / batch / units[name], batch, units: units[name], data }]
        : [];
    }),
    layerOutputs: layers.map(() => undefined),
    layout: { batchFirst: false, batched: true, timed: true, steps, batch },
    otherLayoutFits: false,
  };
}

/** A network with 0.01 added to one value of a tensor, in some of its directions. */
export function changed(
  network: Network,
  tensor: keyof Parameters,
  at: number,
  ways: readonly number[] = [0],
): Network {
  const layers = network.layers.map((parameters) =>
    parameters.map((own, d) => {
      const values = own[tensor]!;
      return ways.includes(d) ? { ...own, [tensor]: values.with(at, values[at] + 0.01) } : own;
    }),
  );
  return { ...network, layers };
}
