import { CellcheckError, joinErrors } from '../errors.js';

/** What a forward pass computes in. */
export type Compute = 'float64' | 'float32';

/** Implementations of the kernels, the fastest first: which of them a machine can run depends on it and on its Node. */
export const KERNELS = ['wide', 'relaxed', 'simd', 'plain'] as const;
export type KernelName = (typeof KERNELS)[number];

/** How fast a forward pass may be; what comes out is the same but for rounding, and for any number of threads. */
/** Called now and then with the share that is done, 0 … 1; the work waits for what it returns. */
export type OnProgress = (done: number) => void | Promise<void>;

export interface SpeedOptions {
  /** These kernels, or slower ones where they cannot be trusted; by the work and the machine if absent. */
  readonly kernels?: KernelName;
  /**
   * Whether V8 fuses neighbouring vectors (`--experimental-wasm-revectorize`, from Node 24 on): only then are wide
   * kernels the fastest. No library can see that, and its host sets it; false if absent.
   */
  readonly wide?: boolean;
  /** Called before WebAssembly is compiled: a host may set V8's flags then. */
  readonly prepare?: () => void;
  /** The most threads to compute in, where that pays; 1 if absent. */
  readonly threads?: number;
}

/** @throws CellcheckError for every option that is none */
export function checkSpeed({ kernels, wide = false, threads = 1 }: SpeedOptions): void {
  const issues: CellcheckError[] = [];
  if (kernels !== undefined && !KERNELS.includes(kernels))
    issues.push(new CellcheckError({ tensor: 'kernels', problem: `is not one of ${KERNELS.join(', ')}` }));
  if (typeof wide !== 'boolean')
    issues.push(new CellcheckError({ tensor: 'wide', problem: 'is not true or false' }));
  if (!Number.isInteger(threads) || threads < 1)
    issues.push(new CellcheckError({ tensor: 'threads', problem: 'is not a whole number from 1 on' }));
  if (issues.length) throw joinErrors(issues);
}
