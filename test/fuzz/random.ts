/** A stream of random numbers, the same for the same seed. */
export interface Random {
  /** An integer from 0 to n - 1. */
  readonly below: (n: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(values: readonly T[]) => T;
}

/** xorshift (Marsaglia 2003). */
export function randomFrom(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return {
    below,
    chance: (probability) => next() < probability,
    pick: (values) => values[below(values.length)],
  };
}

/** What a run of a fuzzer is asked for: so many rounds or seconds, from a seed. */
export function budget(seconds: number) {
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
  const count = Number(process.env.FUZZ_COUNT ?? Number.POSITIVE_INFINITY);
  const end = process.env.FUZZ_COUNT ? Number.POSITIVE_INFINITY : performance.now() + 1000 * seconds;
  console.log(`FUZZ_SEED=${seed}`);
  return { seed, goesOn: (done: number) => done < count && performance.now() < end };
}
