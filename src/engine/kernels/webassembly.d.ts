// The part of WebAssembly that the kernels use. TypeScript has its types only in the DOM library, which Node code
// lacks.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    constructor(descriptor: { initial: number });
    readonly buffer: ArrayBuffer;
    /** Detaches `buffer`. @throws RangeError where the memory cannot grow that far */
    grow(pages: number): number;
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, (...values: number[]) => number>;
  }
  function validate(bytes: Uint8Array): boolean;
}
