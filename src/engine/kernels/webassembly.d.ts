// What the kernels need of WebAssembly, which Node and browsers have; TypeScript's own types of it come with the DOM.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    constructor(descriptor: { initial: number });
    readonly buffer: ArrayBuffer;
    /** @throws RangeError where there is no more; detaches the buffer */
    grow(pages: number): number;
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, (...values: number[]) => number>;
  }
  function validate(bytes: Uint8Array): boolean;
}
