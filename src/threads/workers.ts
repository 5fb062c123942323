import { Worker } from 'node:worker_threads';
import { ThreadFailure } from './exchange.js';
import type { Answer, Task } from './task.js';

/** Workers without a task. They do not keep the process alive. */
const idle: Worker[] = [];
const MOST_IDLE = 16;

/**
 * Runs this thread's part and the tasks of other threads at the same time. All have ended when it returns or throws.
 * @returns the result of this thread, then those of the tasks, which are of the same kind
 * @throws ThreadFailure where another thread fails
 */
export async function runTogether<T>(
  tasks: readonly Task[],
  ourPart: () => T | Promise<T>,
  onFailure: () => void = () => undefined,
): Promise<T[]> {
  const started = startWorkers(tasks.length);
  // The first failure: later ones are its consequences.
  let cause: unknown;
  const watched = <R>(promise: Promise<R>) =>
    promise.catch((error: unknown) => {
      cause ??= error;
      onFailure();
      throw error;
    });
  const answers = started.map(({ worker }, i) => watched(answerOf(worker, tasks[i]) as Promise<T>));
  const part = async () => {
    // An exchange blocks this thread, so that it would not notice a worker that cannot start.
    if (tasks.some((task) => 'share' in task && task.share))
      await Promise.all(started.map(({ ready }) => ready));
    return ourPart();
  };
  const settled = await Promise.allSettled([watched(part()), ...answers]);
  if (cause !== undefined) throw cause;
  return settled.map((result) => (result as PromiseFulfilledResult<T>).value);
}

interface Started {
  readonly worker: Worker;
  /** Resolved when the worker takes tasks. */
  readonly ready: Promise<unknown>;
}

/**
 * This many workers, idle ones first.
 * @throws ThreadFailure where the system refuses one; the others become idle
 */
function startWorkers(count: number): Started[] {
  const started: Started[] = [];
  try {
    while (started.length < count) {
      const worker = idle.pop();
      started.push(worker ? { worker, ready: Promise.resolve() } : startWorker());
    }
  } catch (error) {
    idle.push(...started.map(({ worker }) => worker));
    throw new ThreadFailure((error as Error).message);
  }
  return started;
}

function startWorker(): Started {
  // The same path from dist/src/threads/ and, in the bundled program, from dist/src/cli/.
  const worker = new Worker(new URL('../threads/worker.js', import.meta.url));
  // A worker keeps the process alive only while it has a task (answerOf).
  worker.unref();
  worker.once('exit', () => {
    const index = idle.indexOf(worker);
    if (index >= 0) idle.splice(index, 1);
  });
  const ready = new Promise((resolve, reject) => {
    const onEnd = (reason: unknown) => reject(failureOf(reason));
    worker.once('message', resolve).once('error', onEnd).once('exit', onEnd);
  });
  // Where nothing awaits `ready`, answerOf reports the error.
  ready.catch(() => undefined);
  return { worker, ready };
}

/** @param reason an error, or the exit code of a thread that has ended */
function failureOf(reason: unknown): ThreadFailure {
  return new ThreadFailure(reason instanceof Error ? reason.message : `one has ended (${reason})`);
}

/** Sends a task to a worker, which becomes idle after it. */
function answerOf(worker: Worker, task: Task): Promise<unknown> {
  worker.ref();
  return new Promise((resolve, reject) => {
    const onMessage = (answer: Answer) => {
      if (answer === 'ready') return;
      stopListening();
      if (idle.length < MOST_IDLE) idle.push(worker);
      else worker.terminate();
      if ('result' in answer) resolve(answer.result);
      else reject(new ThreadFailure(answer.problem));
    };
    const onEnd = (reason: unknown) => {
      stopListening();
      worker.terminate();
      reject(failureOf(reason));
    };
    const stopListening = () =>
      worker
        .off('message', onMessage)
        .off('error', onEnd)
        .off('messageerror', onEnd)
        .off('exit', onEnd)
        .unref();
    worker.on('message', onMessage).on('error', onEnd).on('messageerror', onEnd).on('exit', onEnd);
    worker.postMessage(task);
  });
}
