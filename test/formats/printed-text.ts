import { tensorsOfPrinted } from '../../src/formats/printed.js';
import { linesOf } from '../errors.js';

/** The tensors of a printed text by name, and what was skipped. */
export function read(text: string) {
  const { specs, load, notes } = tensorsOfPrinted(new TextEncoder().encode(text));
  const tensors = [...load([...specs.keys()])].map(([name, { dtype, shape, data, printed }]) => {
    const halves = printed && [...printed.halfUnits].map((half) => Number(half.toPrecision(3)));
    return [name, { dtype, shape, data: [...data], ...(halves && { halves }) }] as const;
  });
  return { tensors: Object.fromEntries(tensors), notes };
}

/** The names of its tensors, in their order. */
export const namesOf = (text: string) => Object.keys(read(text).tensors);

/** What the error says that a text is refused with. */
export const refusal = (text: string) => linesOf(() => read(text));
