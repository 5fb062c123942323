import fc from 'fast-check';

// FUZZ_SEED repeats the cases of properties as it repeats those of fuzzers; a failing property prints its seed.
if (process.env.FUZZ_SEED) fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED) });
