/** The package `safetensors` 0.0.1 has no types; these cover what is used. */
declare module 'safetensors' {
  /** Reads the tensors of a whole file in memory. It validates nothing. */
  class SafeTensor {
    constructor(file: Uint8Array);
    /** The bytes of a tensor, a view into the file. */
    getTensor(name: string): Uint8Array;
  }
  const safetensors: { SafeTensor: typeof SafeTensor };
  export default safetensors;
}
