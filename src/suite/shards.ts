/** One of several parts of a suite. */
export interface Part {
  /** From 1 on. */
  readonly index: number;
  readonly count: number;
}

/**
 * The cases of one part of a suite, in their order: the largest cases first, each goes to the part that has the least to do.
 * Every part finds the same division.
 * @param work of each case, in any unit
 * @returns places in `work`
 */
export function casesOfPart(work: readonly number[], { index, count }: Part): number[] {
  const load = new Float64Array(count);
  const part = new Int32Array(work.length);
  const largestFirst = work.map((_, i) => i).sort((a, b) => work[b] - work[a] || a - b);
  for (const i of largestFirst) {
    const least = load.indexOf(Math.min(...load));
    load[least] += work[i];
    part[i] = least;
  }
  return work.flatMap((_, i) => (part[i] === index - 1 ? [i] : []));
}
