import { parentPort } from 'node:worker_threads';
import { forwardPass } from '../engine/forward.js';
import { exchangeIn, fail } from './exchange.js';
import type { Answer, Task } from './task.js';

// A thread: takes tasks, one after the other, and answers with outputs.
parentPort!.on('message', async (task: Task) => {
  const answer = await run(task);
  const moved = typeof answer === 'object' && 'outputs' in answer ? buffersOf(answer.outputs) : [];
  parentPort!.postMessage(answer, moved);
});

async function run({ network, sequence, compute, kernels, trace, share }: Task): Promise<Answer> {
  // However this thread ends: the others wait for it no longer.
  const onExit = () => share && fail(share.memory);
  process.once('exit', onExit);
  try {
    const outputs = await forwardPass(network, sequence, {
      compute,
      trace,
      speed: { kernels },
      share: share && { ...share, exchange: exchangeIn(share.memory, compute, share.count) },
    });
    return { outputs };
  } catch (error) {
    if (share) fail(share.memory);
    return { problem: error instanceof Error ? error.message : String(error) };
  } finally {
    process.off('exit', onExit);
  }
}

// What cannot be received is said too, and not waited for.
parentPort!.on('messageerror', ({ message }) => parentPort!.postMessage({ problem: message }));
// Whoever would wait for a thread at every step wants to know first that it is there.
parentPort!.postMessage('ready');

/** Moved, not copied. */
function buffersOf({ output, h_n, c_n, trace = [] }: Awaited<ReturnType<typeof forwardPass>>): ArrayBuffer[] {
  const arrays = [output, h_n, ...(c_n ? [c_n] : []), ...trace.flatMap(({ parts }) => Object.values(parts))];
  return [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))];
}
