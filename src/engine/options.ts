import { CellcheckError, joinErrors } from '../errors.js';

/** The precision that a forward pass computes in. */
export type Compute = 'float64' | 'float32';

/** Implementations of the kernels, fastest first. Which of them can run depends on the machine and its Node. */
export const KERNELS = ['wide', 'relaxed', 'simd', 'plain'] as const;
export type KernelName = (typeof KERNELS)[number];

/** What a case takes time for, in this order: only the first for most. */
export type Stage = 'computing' | 'judging' | 'searching';

/**
 * Called now and then with the share of a stage that is done, 0 … 1. The work waits for what it returns, but for judging, which
 * cannot be interrupted.
 */
export type OnProgress = (done: number, stage: Stage) => void | Promise<void>;

/** How to compute a forward pass. Kernels change results only by rounding; threads do not change them at all. */
export interface SpeedOptions {
  /**
   * These kernels, or slower ones where they cannot run or give wrong numbers; chosen by the amount of work and the
   * machine if absent.
   */
  readonly kernels?: KernelName;
  /**
   * Whether V8 fuses pairs of 128-bit vectors (`--experimental-wasm-revectorize`, from Node 24 on): only then are wide
   * kernels the fastest. A library cannot find this out, so that the program that uses it must say so; false if absent.
   */
  readonly wide?: boolean;
  /** Called before WebAssembly is compiled: the program may set V8's flags then. */
  readonly prepare?: () => void;
  /** The largest number of threads, which are used where they pay; 1 if absent. */
  readonly threads?: number;
}

/** @throws CellcheckError that names every invalid option */
export function checkSpeed({
  kernels,
  wide = false,
  threads = 1,
  prepare: _,
  ...unknown
}: SpeedOptions): void {
  const issues = Object.keys(unknown).map(
    (tensor) => new CellcheckError({ code: 'option', tensor, problem: 'is not an option of speed' }),
  );
  if (kernels !== undefined && !KERNELS.includes(kernels))
    issues.push(
      new CellcheckError({
        code: 'option',
        tensor: 'kernels',
        problem: `is not one of ${KERNELS.join(', ')}`,
      }),
    );
  if (typeof wide !== 'boolean')
    issues.push(new CellcheckError({ code: 'option', tensor: 'wide', problem: 'is not true or false' }));
  if (!Number.isInteger(threads) || threads < 1)
    issues.push(
      new CellcheckError({ code: 'option', tensor: 'threads', problem: 'is not a whole number from 1 on' }),
    );
  if (issues.length) throw joinErrors(issues);
}
