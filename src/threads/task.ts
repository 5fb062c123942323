import type { Outputs } from '../engine/forward.js';
import type { Compute, KernelName } from '../engine/options.js';
import type { Network, Sequence } from '../module/bind.js';

/** What one thread is to do. */
export interface Task {
  readonly network: Network;
  readonly sequence: Sequence;
  readonly compute: Compute;
  readonly kernels: KernelName;
  readonly trace: boolean;
  /** Where it shares the units with others: which of how many it is, and the memory they meet in. */
  readonly share?: { readonly index: number; readonly count: number; readonly memory: SharedArrayBuffer };
}

/** What a thread says: first that it is there, then what came of each task. */
export type Answer = 'ready' | { readonly outputs: Outputs } | { readonly problem: string };
