import type { TensorName } from '../kinds.js';
import type { FloatDtype } from '../tensor/dtype.js';
import type { Reference } from '../tensor/reference.js';
import type { BoundCase } from './bind.js';

/** Bits of a significand. */
const BITS: Readonly<Record<FloatDtype, number>> = { F64: 53, F32: 24, F16: 11, BF16: 8 };

/** Every reference of a case: outputs of layers from the bottom up, then the network's own outputs. */
export function allReferences({ layerOutputs, references }: BoundCase): Reference[] {
  return [...layerOutputs, ...references];
}

/**
 * The output of every layer as the reference has it; undefined where that is not known. A layer stored in fewer bits
 * than a layer above it is skipped: that layer was computed from unrounded values.
 */
export function knownOutputs(boundCase: BoundCase): (Reference | undefined)[] {
  const { network } = boundCase;
  const sequences = allReferences(boundCase).filter(({ axes }) => axes.layer !== undefined);
  const known = network.layers.map((_, layer) => sequences.find(({ axes }) => axes.layer === layer));
  const bitsOf = ({ dtype }: Reference) => BITS[dtype as FloatDtype];
  return known.map((reference, layer) => {
    const above = known.slice(layer + 1).filter((other) => other !== undefined);
    return reference && above.some((other) => bitsOf(other) > bitsOf(reference)) ? undefined : reference;
  });
}

/** Values by the names of outputs, and the outputs of layers where those were kept. */
type Named<T> = { readonly [Name in 'output' | 'h_n']: T } & {
  readonly c_n?: T;
  readonly layers?: readonly T[];
};

/** What a pass gave for a reference, out of its outputs and those of its layers. */
export function outputFor<T>({ name, axes }: Pick<Reference, 'name' | 'axes'>, outputs: Named<T>): T {
  return isLayerOutput(name) ? outputs.layers![axes.layer!] : outputs[name]!;
}

function isLayerOutput(name: TensorName): name is Exclude<TensorName, 'output' | 'h_n' | 'c_n'> {
  return name.startsWith('output_l');
}
