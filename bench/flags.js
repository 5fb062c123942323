/** The flags of V8 that the command line sets (src/cli/v8-flags.ts), for programs that use the library. */
export const NODE20_FLAGS = ['--no-liftoff', '--experimental-wasm-relaxed-simd'];
export const NODE24_FLAGS = ['--no-liftoff', '--no-wasm-inlining', '--experimental-wasm-revectorize'];
