import type { BoundCase } from '../../module/bind.js';
import type { Reference } from '../../tensor/reference.js';
import { type Hypothesis, hypothesesFor } from './hypotheses.js';

/** More lengths than this are not listed in full. */
const MAX_LISTED = 8;

/** The hypotheses that make sense for a case, the likeliest first. */
export function hypothesesOf({ network, sequence, references }: BoundCase): readonly Hypothesis[] {
  const hypotheses = hypothesesFor(network.module, sequence);
  const output = references.find(({ name }) => name === 'output');
  if (!output || sequence.lengths) return hypotheses;
  const lengths = lengthsBeforeZeros(output);
  if (lengths.every((length) => length === output.rows)) return hypotheses;
  return [missingLengths(lengths), ...hypotheses];
}

/** The steps of each batch row before the zeros at its end; at least one. */
function lengthsBeforeZeros({ rows: steps, batch, units, data }: Reference): number[] {
  return Array.from({ length: batch }, (_, row) => {
    const isZero = (t: number) => {
      const start = (t * batch + row) * units;
      return data.subarray(start, start + units).every((value) => value === 0);
    };
    let length = steps;
    while (length > 1 && isZero(length - 1)) length--;
    return length;
  });
}

function missingLengths(lengths: readonly number[]): Hypothesis {
  const listed = lengths.slice(0, MAX_LISTED).join(', ') + (lengths.length > MAX_LISTED ? ', …' : '');
  return {
    name: 'lengths missing',
    change: { lengths },
    says: `the reference ends early: its batch rows are zero from the steps ${listed} on`,
    remedy: 'add the lengths to the case (an input tensor named lengths)',
  };
}
