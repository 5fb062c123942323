import type { BoundCase, Network, Parameters, Sequence } from '../../src/module/bind.js';
import { EXPECTED_ROLES } from '../../src/module/case.js';
import { directionsOf, outputSize } from '../../src/module/parameters.js';
import { halfUnit } from '../../src/module/printed.js';
import type { Floats } from '../../src/tensor/dtype.js';

/** A network and its float32 references as `bind` returns them; printed, if decimals are given. */
export function boundOf(
  network: Network,
  sequence: Sequence,
  expected: Readonly<Partial<Record<(typeof EXPECTED_ROLES)[number], Floats>>>,
  decimals?: number,
): BoundCase {
  const { module, layers } = network;
  const { steps, batch } = sequence;
  const directionCount = directionsOf(module).length;
  const size = outputSize(module);
  const units = { output: size * directionCount, h_n: size, c_n: module.hidden_size };
  const missing = (values: Floats) => new Float64Array(values.length).fill(halfUnit(decimals ?? 0));
  const missingOf = ({ weightIh, weightHh, biasIh, biasHh, weightHr }: Parameters): Parameters => ({
    weightIh: missing(weightIh),
    weightHh: missing(weightHh),
    biasIh: biasIh && missing(biasIh),
    biasHh: biasHh && missing(biasHh),
    weightHr: weightHr && missing(weightHr),
  });
  return {
    network,
    sequence,
    references: EXPECTED_ROLES.flatMap((name) => {
      const data = expected[name];
      if (!data) return [];
      const printed = decimals === undefined ? undefined : { decimals, halfUnits: missing(data) };
      const rows = data.length / batch / units[name];
      const axes = {
        ...(name === 'output' && { layer: module.num_layers - 1 }),
        directions: directionsOf(module),
        steps,
        lengths: sequence.lengths,
      };
      return [{ name, dtype: 'F32', rows, batch, units: units[name], data, printed, axes }];
    }),
    ...(decimals !== undefined && {
      decimals,
      uncertainty: { layers: layers.map((perDirection) => perDirection.map(missingOf)) },
    }),
    layerOutputs: [],
    layout: { batch_first: false, batched: true, timed: true, steps, batch },
    otherLayoutFits: false,
    fewDecimals: [],
    storedFew: false,
    reshaped: [],
  };
}

/** A network with 0.01 added to one value of a tensor, in some of its directions. */
export function changed(
  network: Network,
  tensor: keyof Parameters,
  at: number,
  directions: readonly number[] = [0],
): Network {
  const layers = network.layers.map((parameters) =>
    parameters.map((inDirection, d) => {
      const values = inDirection[tensor]!;
      const other = { ...inDirection, [tensor]: values.with(at, values[at] + 0.01) };
      return directions.includes(d) ? other : inDirection;
    }),
  );
  return { ...network, layers };
}
