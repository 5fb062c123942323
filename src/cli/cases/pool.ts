import { setMaxListeners } from 'node:events';
import { Piscina } from 'piscina';
import type { KernelName } from '../../engine/options.js';
import { CellcheckError } from '../../errors.js';
import { alsoRead } from '../../files/open.js';
import { reportedCase } from '../../report/in-words.js';
import { keepHeapsSmall, setV8Flags } from '../v8-flags.js';
import type { CaseJob, Outcome, Work } from './job.js';

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

/** For each worker, the tasks that are begun or wait for one before it: results are kept until their turn. */
const AHEAD = 3;

/** A task should take about this long, and has no more cases than this. */
const TASK_SECONDS = 0.04;
const MOST_CASES = 32;

/** Memory for new objects, in each worker: V8's own choice is for one thread, and is taken for every one. */
const YOUNG_MIB = 4;

interface PoolOptions extends Pick<WorkerTask, 'threads' | 'kernels'> {
  readonly workers: number;
  /** How many cases there are. */
  readonly left: number;
  /** How long a case took so far, on average. */
  readonly seconds: number;
  /** The file with the workers' function `verifyInWorker`. */
  readonly program: string;
  /** Ends it: outcomes that are not there yet do not come. */
  readonly signal: AbortSignal;
}

/**
 * Verifies cases in several threads of this process, small ones several at a time.
 * @returns outcomes in the order of the cases, each as soon as it and all before it are there
 */
export async function* inPool(
  cases: Iterator<Work, undefined>,
  { workers, threads, kernels, program, signal, ...measured }: PoolOptions,
): AsyncGenerator<Outcome> {
  // They are those of the process: set before any worker compiles.
  setV8Flags();
  keepHeapsSmall();
  // A listener for every task that is begun.
  setMaxListeners(0, signal);
  const pool = new Piscina({
    filename: program,
    name: 'verifyInWorker',
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: 1,
    recordTiming: false,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  // A worker that ends without a task is replaced.
  pool.on('error', () => undefined);

  const inWorker = async (jobs: readonly CaseJob[]): Promise<readonly Outcome[]> => {
    const task: WorkerTask = { jobs, threads, kernels };
    const { outcomes, read }: WorkerAnswer = await pool.run(task, { signal });
    alsoRead(read);
    return outcomes;
  };
  const oneByOne = async (job: CaseJob): Promise<Outcome> => {
    try {
      return (await inWorker([job]))[0];
    } catch (error) {
      return { result: reportedCase({ label: job.label, error: endedError(job.label, error) }, job.caller) };
    }
  };
  const begin = async (works: readonly Work[]): Promise<readonly Outcome[]> => {
    const jobs = works.flatMap((work) => ('job' in work ? [work.job] : []));
    let outcomes: readonly Outcome[] = [];
    try {
      if (jobs.length) outcomes = await inWorker(jobs);
    } catch {
      if (signal.aborted) return [];
      // One of them has ended the worker: each gets one of its own.
      outcomes = await Promise.all(jobs.map(oneByOne));
    }
    const done = outcomes.values();
    return works.map((work) => ('job' in work ? done.next().value! : work.outcome));
  };

  let { seconds, left } = measured;
  const some = (count: number) => Array.from({ length: count }, () => cases.next().value!);
  try {
    const begun: Promise<readonly Outcome[]>[] = [];
    while (begun.length || left) {
      while (begun.length < AHEAD * workers && left) {
        const share = Math.ceil(left / (AHEAD * workers));
        const count = Math.max(1, Math.min(MOST_CASES, share, Math.round(TASK_SECONDS / seconds)));
        begun.push(begin(some(count)));
        left -= count;
      }
      const outcomes = await begun.shift()!;
      if (signal.aborted) return;
      for (const { result } of outcomes) seconds += ((result.seconds ?? 0) - seconds) / MOST_CASES;
      yield* outcomes;
    }
  } finally {
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
