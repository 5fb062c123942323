import { createRequire } from 'node:module';

const MAJOR = Number(process.versions.node.split('.')[0]);

/**
 * Whether V8 can fuse pairs of 128-bit vectors into 256-bit ones: on x64, from Node 24 on (Node 22 accepts the flag
 * without effect). Later versions of Node must be tried first, because V8 complains on stderr about an unknown flag.
 */
export const FUSES = MAJOR >= 24 && MAJOR <= 26 && process.arch === 'x64';

// --no-liftoff: optimised code from the start, because the kernels run for a second or less.
// --experimental-wasm-relaxed-simd: before Node 22, relaxed SIMD is behind a flag.
// --no-wasm-inlining: inlining needs the call counts of unoptimised code; without them V8 of Node 26 aborts.
// No flags are set on a version of Node that has not been tried.
const FLAGS =
  MAJOR > 26
    ? []
    : [
        '--no-liftoff',
        ...(MAJOR < 22 ? ['--experimental-wasm-relaxed-simd'] : []),
        ...(MAJOR >= 24 ? ['--no-wasm-inlining'] : []),
        ...(FUSES ? ['--experimental-wasm-revectorize'] : []),
      ];

/** Whether V8's flags are still those that this process started with. */
export let pristine = true;

/** Sets V8's flags for compiling WebAssembly in all threads of this process. */
export function setV8Flags(): void {
  if (!pristine || FLAGS.length === 0) return;
  pristine = false;
  setFlags(FLAGS);
}

/**
 * Lets garbage be collected when a heap has doubled, and not when it has grown to several times its size: in many cases
 * there is much of it.
 */
export function keepHeapsSmall(): void {
  if (MAJOR <= 26) setFlags(['--heap-growing-percent=100']);
}

/**
 * Sets V8's flags for a process in which as many threads work as there are cores. Functions are optimised later: V8 does that in
 * further threads, which take the cores from those that verify. (Later versions of Node optimise at less expense, and do not
 * know the flag.)
 */
export function setFlagsForWorkers(): void {
  setV8Flags();
  keepHeapsSmall();
  if (MAJOR < 22) setFlags(['--interrupt-budget=400000']);
}

function setFlags(flags: readonly string[]): void {
  // Loaded only when needed, because that takes half a millisecond.
  const v8 = createRequire(import.meta.url)('node:v8') as typeof import('node:v8');
  for (const flag of flags) v8.setFlagsFromString(flag);
}
