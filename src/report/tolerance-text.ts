import type { TensorComparison } from '../compare/tensor.js';
import type { Tolerance, ToleranceSource } from '../compare/tolerance.js';
import { escapeText } from '../errors.js';
import { formatExact } from './terminal/numbers.js';

/** The source of a tolerance: `float32 default`, `of the case: reason`. */
export function sourceText({ source }: Tolerance, caller: string): string {
  const [rtol, atol] = [textOf(source.rtol, caller), textOf(source.atol, caller)];
  return rtol === atol ? rtol : `rtol ${rtol}, atol ${atol}`;
}

function textOf(source: ToleranceSource, caller: string): string {
  switch (source.kind) {
    case 'dtype':
      return `${source.dtype} default`;
    case 'case':
      return source.reason === undefined ? 'of the case' : `of the case: ${source.reason}`;
    case 'caller':
      return caller;
    case 'printed':
      return `${source.decimals} printed ${source.decimals === 1 ? 'decimal' : 'decimals'}`;
  }
}

/** Whether rtol and atol are both the defaults of the dtype. */
export function isDefault({ source }: Tolerance): boolean {
  return source.rtol.kind === 'dtype' && source.atol.kind === 'dtype';
}

/** `rtol 1.3e-6, atol 1e-5 (float32 default)`; for each output by name where they differ. */
export function toleranceText(tensors: readonly TensorComparison[], caller: string): string {
  const texts = tensors.map(({ tolerance }) => {
    const { rtol, atol } = tolerance;
    const source = escapeText(sourceText(tolerance, caller));
    return `rtol ${formatExact(rtol)}, atol ${formatExact(atol)} (${source})`;
  });
  if (new Set(texts).size === 1) return texts[0];
  return tensors.map(({ name }, i) => `${name}: ${texts[i]}`).join(' · ');
}
