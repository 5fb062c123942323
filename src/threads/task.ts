import type { Envelope, EnvelopeOptions } from '../bounds/envelope.js';
import type { Outputs } from '../engine/forward.js';
import type { Share } from '../engine/layer-run.js';
import type { Compute, KernelName } from '../engine/options.js';
import type { Screen } from '../engine/screen.js';
import type { Network, Sequence } from '../module/bind.js';

/** A pass for one thread. */
export interface PassTask {
  readonly network: Network;
  readonly sequence: Sequence;
  readonly compute: Compute;
  readonly kernels: KernelName;
  readonly trace: boolean;
  readonly layers: boolean;
  readonly screen?: Screen;
  /** Where threads divide the units: this thread's share, with the memory of exchange.ts. */
  readonly share?: Omit<Share, 'exchange'> & { readonly memory: SharedArrayBuffer };
}

/** An envelope for one thread. */
export interface EnvelopeTask {
  readonly network: Network;
  readonly sequence: Sequence;
  readonly envelope: Omit<EnvelopeOptions, 'onProgress'>;
}

export type Task = PassTask | EnvelopeTask;

/** The messages of a thread: 'ready' once, then the result of each task. */
export type Answer = 'ready' | { readonly result: Outputs | Envelope } | { readonly problem: string };
