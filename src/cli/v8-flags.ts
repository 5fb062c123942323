import { createRequire } from 'node:module';

const MAJOR = Number(process.versions.node.split('.')[0]);

/**
 * Whether V8 can fuse pairs of vectors here: x64 has 256 bits, and Node 22 knows the flag without doing it. What a later
 * Node does is to be seen first: a flag that V8 does not know makes it complain on stderr.
 */
export const FUSES = MAJOR >= 24 && MAJOR <= 26 && process.arch === 'x64';

// Optimised code from the start: what WebAssembly there is runs for a second or less. Before Node 22 relaxed SIMD has to
// be asked for. Inlining goes by the counts of calls that unoptimised code keeps; V8 of Node 26 aborts without them. None
// of these is set on a Node that has not been tried.
const FLAGS =
  MAJOR > 26
    ? []
    : [
        '--no-liftoff',
        ...(MAJOR < 22 ? ['--experimental-wasm-relaxed-simd'] : []),
        ...(MAJOR >= 24 ? ['--no-wasm-inlining'] : []),
        ...(FUSES ? ['--experimental-wasm-revectorize'] : []),
      ];

/** Whether V8's flags are still those that this process began with. */
export let pristine = true;

/** Tells V8 how to compile WebAssembly, in all threads of this process. */
export function setV8Flags(): void {
  if (!pristine || FLAGS.length === 0) return;
  pristine = false;
  // Only here: it takes half a millisecond to load, which a small case has no use for.
  const v8 = createRequire(import.meta.url)('node:v8') as typeof import('node:v8');
  for (const flag of FLAGS) v8.setFlagsFromString(flag);
}
