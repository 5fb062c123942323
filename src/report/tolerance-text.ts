import type { Tolerance, ToleranceSource } from '../compare/tolerance.js';
import { escapeText } from '../errors.js';
import type { ReportedTensor } from './reported.js';
import { formatExact } from './terminal/numbers.js';

/** The source of a tolerance: `float32 default`, `of the case: reason`. */
export function sourceText({ source }: Tolerance, caller: string): string {
  const [rtol, atol] = [textOf(source.rtol, caller), textOf(source.atol, caller)];
  return rtol === atol ? rtol : `rtol ${rtol}, atol ${atol}`;
}

function textOf(source: ToleranceSource, caller: string): string {
  switch (source.kind) {
    case 'dtype':
      return defaultText(source.dtype);
    case 'case':
      return source.reason === undefined ? 'of the case' : `of the case: ${source.reason}`;
    case 'config':
      return `of ${source.file}`;
    case 'caller':
      return caller;
    case 'printed':
      return `${source.decimals} printed ${source.decimals === 1 ? 'decimal' : 'decimals'}`;
  }
}

/** Whether rtol and atol are both the defaults of the dtype. */
export function isDefault({ dtype, tolerance }: ReportedTensor): boolean {
  return tolerance.source === defaultText(dtype);
}

function defaultText(dtype: string): string {
  return `${dtype} default`;
}

/** `rtol 1.3e-6, atol 1e-5 (float32 default)`; for each output by name where they differ. */
export function toleranceText(tensors: readonly ReportedTensor[]): string {
  const texts = tensors.map(({ tolerance: { rtol, atol, source } }) => {
    return `rtol ${formatExact(rtol)}, atol ${formatExact(atol)} (${escapeText(source)})`;
  });
  if (new Set(texts).size === 1) return texts[0];
  return tensors.map(({ name }, i) => `${name}: ${texts[i]}`).join(' · ');
}
