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

// --heap-growing-percent: each thread has a heap, of which garbage is collected when it has doubled, and not when it has
// grown to several times its size.
// --interrupt-budget: functions are optimised later. V8 optimises in further threads, which take the cores from those that
// verify; later versions of Node know the flag no more, and optimise at less expense.
const FLAGS_FOR_WORKERS =
  MAJOR > 26 ? [] : ['--heap-growing-percent=100', ...(MAJOR < 22 ? ['--interrupt-budget=400000'] : [])];

/** Sets V8's flags for a process in which as many threads work as there are cores. */
export function setFlagsForWorkers(): void {
  setV8Flags();
  setFlags(FLAGS_FOR_WORKERS);
}

function setFlags(flags: readonly string[]): void {
  // Loaded only when needed, because that takes half a millisecond.
  const v8 = createRequire(import.meta.url)('node:v8') as typeof import('node:v8');
  for (const flag of flags) v8.setFlagsFromString(flag);
}
