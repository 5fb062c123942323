import { EventEmitter, once, setMaxListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Piscina } from 'piscina';
import type { KernelName, SpeedOptions } from '../../engine/options.js';
import { CellcheckError } from '../../errors.js';
import { alsoRead } from '../../files/open.js';
import { reportedCase } from '../../report/in-words.js';
import { setFlagsForWorkers } from '../v8-flags.js';
import { type CaseJob, type Outcome, verifyCase, type Work } from './job.js';

/** What a worker gets. */
export interface WorkerTask {
  readonly jobs: readonly CaseJob[];
  readonly kernels?: KernelName;
  readonly threads: number;
}

/** What a worker answers. */
export interface WorkerAnswer {
  readonly outcomes: readonly Outcome[];
  /** The files that it read, which no report may replace (files/open.ts). */
  readonly read: readonly string[];
}

/** Tasks that are begun before the first of them is done, for each thread: results are kept until their turn. */
const AHEAD = 6;
/** A worker has its next task when it ends one. */
const TASKS_AT_ONCE = 2;

/** A task should take about this long, and has no more cases than this. */
const TASK_SECONDS = 0.04;
const MOST_CASES = 32;

/** Memory for new objects, in each worker: V8's own choice is for one thread, and is taken for every one. */
const YOUNG_MIB = 24;

interface PoolOptions {
  /** The threads that verify, this one included, and the threads of each case. */
  readonly jobs: number;
  readonly threads: number;
  /** How many cases there are. */
  readonly count: number;
  /** How long a case took so far, on average. */
  readonly seconds: number;
  /** What this thread computes with. */
  readonly speed: SpeedOptions;
  /** The file with the workers' function `verifyInWorker`. */
  readonly program: string;
  /** Ends it: outcomes that are not there yet do not come. */
  readonly signal: AbortSignal;
}

type Outcomes = readonly Outcome[];

/**
 * Verifies cases in several threads of this process, this one among them; small cases several at a time.
 * @returns outcomes in the order of the cases, each as soon as it and all before it are there
 */
export async function* inPool(
  cases: Iterator<Work, undefined>,
  { jobs, threads, program, signal, speed, ...measured }: PoolOptions,
): AsyncGenerator<Outcome> {
  // They are those of the process: set before any worker compiles.
  setFlagsForWorkers();
  // A listener for every task that is begun.
  setMaxListeners(0, signal);
  const workers = jobs - 1;
  const pool = new Piscina({
    filename: program,
    name: 'verifyInWorker',
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: TASKS_AT_ONCE,
    recordTiming: false,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  // A worker that ends without a task is replaced.
  pool.on('error', () => undefined);

  const inWorker = async (some: readonly CaseJob[]): Promise<Outcomes> => {
    const task: WorkerTask = { jobs: some, threads, kernels: speed.kernels };
    const { outcomes, read }: WorkerAnswer = await pool.run(task, { signal });
    alsoRead(read);
    return outcomes;
  };
  const alone = async (job: CaseJob): Promise<Outcome> => {
    try {
      return (await inWorker([job]))[0];
    } catch (error) {
      return { result: reportedCase({ label: job.label, error: endedError(job.label, error) }, job.caller) };
    }
  };
  const elsewhere = async (some: readonly CaseJob[]): Promise<Outcomes> => {
    try {
      return await inWorker(some);
    } catch {
      // One of them has ended the worker: each gets one of its own.
      return signal.aborted ? [] : Promise.all(some.map(alone));
    }
  };
  /** Now and then the workers get their next tasks. */
  const breathe = () => {
    signal.throwIfAborted();
    return setImmediate();
  };
  const here = async (some: readonly CaseJob[]): Promise<Outcomes> => {
    const outcomes: Outcome[] = [];
    for (const job of some) {
      outcomes.push(await verifyCase(job, { ...speed, threads }, breathe));
      await setImmediate();
      if (signal.aborted) return [];
    }
    return outcomes;
  };

  let { seconds, count: left } = measured;
  const done = new Map<number, Outcomes>();
  let [begun, given] = [0, 0];
  // Whenever a task is done, or its outcomes are given, everybody who waits looks again.
  const events = new EventEmitter().setMaxListeners(0);
  const change = () => events.emit('change');
  const changed = () => once(events, 'change');
  const next = () => {
    const share = Math.ceil(left / (AHEAD * jobs));
    const count = Math.max(1, Math.min(MOST_CASES, share, Math.round(TASK_SECONDS / seconds)));
    left -= count;
    return Array.from({ length: count }, () => cases.next().value!);
  };
  const execute = async (run: (some: readonly CaseJob[]) => Promise<Outcomes>): Promise<void> => {
    while (left && !signal.aborted) {
      if (begun - given >= AHEAD * jobs) {
        await changed();
        continue;
      }
      const [index, works] = [begun++, next()];
      const some = works.flatMap((work) => ('job' in work ? [work.job] : []));
      const outcomes = (some.length ? await run(some) : []).values();
      done.set(
        index,
        works.map((work) => ('job' in work ? outcomes.next().value! : work.outcome)),
      );
      change();
    }
  };

  signal.addEventListener('abort', change);
  const slots = Array.from({ length: workers * TASKS_AT_ONCE }, () => execute(elsewhere));
  const all = Promise.all([...slots, execute(here)]);
  try {
    while (left || given < begun) {
      const outcomes = done.get(given);
      if (signal.aborted) return;
      if (!outcomes) {
        await Promise.race([changed(), all]);
        continue;
      }
      done.delete(given++);
      change();
      for (const { result } of outcomes) seconds += ((result.seconds ?? 0) - seconds) / MOST_CASES;
      yield* outcomes;
    }
  } finally {
    signal.removeEventListener('abort', change);
    left = 0;
    change();
    await pool.destroy();
  }
}

function endedError(file: string, error: unknown): CellcheckError {
  return new CellcheckError({
    code: 'internal',
    file,
    problem: `the thread that verified it has ended: ${(error as Error).message}`,
    hints: ['It may need more memory than there is. Verify it alone, or fewer at a time: --jobs 1.'],
  });
}
