import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SpeedOptions } from '../../engine/options.js';
import type { Io } from '../io.js';
import { showProgress } from '../progress.js';
import { keepHeapsSmall } from '../v8-flags.js';
import { type Outcome, verifyCase, type Work } from './job.js';

/** How many cases run at the same time, each in how many threads. */
export interface Concurrency {
  readonly jobs: number;
  readonly threads: number;
}

/** Threads are worth starting where the other cases would take this long, by the first ones of so much time. */
const WORTH_MS = 500;
const FIRST_MS = 30;

/** From so many cases on memory is kept small. */
const MANY = 1000;

/** The program that is built, with the workers' function in it. Where the sources run, there is none. */
const PROGRAM = fileURLToPath(new URL('main.cjs', import.meta.url));

/**
 * Verifies cases: the first ones in this thread, in which a few small ones are done before others have started; then in
 * as many as there are jobs.
 * @param count of the cases
 * @param signal ends it: outcomes that are not there yet do not come
 * @returns outcomes in the order of the cases
 */
export async function* runCases(
  cases: Iterator<Work, undefined>,
  { jobs, threads, count }: Concurrency & { readonly count: number },
  speed: SpeedOptions,
  io: Io,
  signal: AbortSignal,
): AsyncGenerator<Outcome> {
  if (count >= MANY) keepHeapsSmall();
  const started = performance.now();
  const isPooled = jobs > 1 && fs.existsSync(PROGRAM);
  for (let done = 0; done < count; done++) {
    const [elapsed, left] = [performance.now() - started, count - done];
    if (isPooled && elapsed > FIRST_MS && (elapsed / done) * left > WORTH_MS && left > 1) {
      const { inPool } = await import('./pool.js');
      const seconds = elapsed / 1000 / done;
      yield* inPool(cases, {
        jobs: Math.min(jobs, left),
        threads,
        count: left,
        seconds,
        speed,
        program: PROGRAM,
        signal,
      });
      return;
    }
    const outcome = await verifyHere(cases.next().value!, speed, io, signal);
    if (signal.aborted) return;
    yield outcome;
  }
}

async function verifyHere(work: Work, speed: SpeedOptions, io: Io, signal: AbortSignal): Promise<Outcome> {
  if ('outcome' in work) return work.outcome;
  const { onProgress, clear } = showProgress(io, work.job.label, signal);
  try {
    return await verifyCase(work.job, speed, onProgress);
  } finally {
    clear();
  }
}
