import type { Cause } from '../verdict/cause.js';

/** Why a reference differs, in one sentence; undefined where that is unknown, or needs the whole diagnosis. */
export function causeText(cause: Cause): string | undefined {
  switch (cause.kind) {
    case 'conventions': {
      const { conventions } = cause;
      // A convention that was compared with a part of the reference needs the whole diagnosis; so does one that leaves
      // what may be rounding, or another one.
      if (conventions[0].partial || conventions[0].profile) return undefined;
      const others = conventions.length - 1;
      const also = others ? ` (or ${others === 1 ? 'another cause' : `${others} other causes`})` : '';
      return conventions[0].says.join(', and ') + also;
    }
    case 'changed-values': {
      const { values } = cause;
      const [{ tensor, row, batch, unit }] = values;
      const [count, were] = values.length === 1 ? ['one value', 'was'] : [`${values.length} values`, 'were'];
      return `${count} of the reference ${were} changed after it was computed: ${tensor}[${row}, ${batch}, ${unit}]`;
    }
    case 'degenerate':
      return cause.says;
    case 'not-finite': {
      const { tensor, row, batch, unit, expected } = cause.value;
      return `the reference has ${expected} at ${tensor}[${row}, ${batch}, ${unit}]`;
    }
    case 'weights': {
      const [{ tensors, row, column }] = cause.weights;
      return `${tensors.join(' or ')}[${column === undefined ? row : `${row}, ${column}`}] is another number than in the file`;
    }
    case 'precision':
      // What is sure is in the advice.
      return cause.isSure ? undefined : `all of it may be rounding (profile ${cause.profile})`;
    case 'unexplained':
    case 'not-searched':
      return undefined;
  }
}
