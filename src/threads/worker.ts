import { parentPort } from 'node:worker_threads';
import { forwardPass } from '../engine/forward.js';
import { exchangeIn, fail } from './exchange.js';
import type { Answer, Task } from './task.js';

// The program of a thread: runs one task after the other and answers with the outputs.
parentPort!.on('message', async (task: Task) => {
  const answer = await run(task);
  const transferred = typeof answer === 'object' && 'outputs' in answer ? buffersOf(answer.outputs) : [];
  parentPort!.postMessage(answer, transferred);
});

async function run({ network, sequence, kernels, share, ...options }: Task): Promise<Answer> {
  // Even if the process ends, the other threads must stop waiting for this one.
  const onExit = () => share && fail(share.memory);
  process.once('exit', onExit);
  try {
    const outputs = await forwardPass(network, sequence, {
      ...options,
      speed: { kernels },
      share: share && {
        ...share,
        exchange: exchangeIn(share.memory, options.compute, share, sequence.batch),
      },
    });
    return { outputs };
  } catch (error) {
    if (share) fail(share.memory);
    return { problem: error instanceof Error ? error.message : String(error) };
  } finally {
    process.off('exit', onExit);
  }
}

// A task that cannot be received is answered too, or the sender would wait forever.
parentPort!.on('messageerror', ({ message }) => parentPort!.postMessage({ problem: message }));
// A pass by units starts when all threads are ready, because it blocks in exchanges.
parentPort!.postMessage('ready');

/** The buffers of outputs, to be transferred instead of copied. */
function buffersOf({
  output,
  h_n,
  c_n,
  layers = [],
  trace = [],
}: Awaited<ReturnType<typeof forwardPass>>): ArrayBuffer[] {
  const arrays = [
    output,
    h_n,
    ...(c_n ? [c_n] : []),
    ...layers,
    ...trace.flatMap(({ parts }) => Object.values(parts)),
  ];
  // Shared memory is not transferred.
  const buffers = arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
  return [...new Set(buffers)];
}
