/** The number of elements; 1 for [], the shape of a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

const MOST_DIMENSIONS = 8;

/** `[4, 1, 3]` */
export function formatShape(shape: readonly (number | string)[]): string {
  const shown = shape.length > MOST_DIMENSIONS ? [...shape.slice(0, MOST_DIMENSIONS), '…'] : shape;
  return `[${shown.join(', ')}]`;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
