import { parentPort } from 'node:worker_threads';
import type { Envelope } from '../bounds/envelope.js';
import { forwardPass, type Outputs } from '../engine/forward.js';
import { exchangeIn, fail } from './exchange.js';
import type { Answer, EnvelopeTask, PassTask, Task } from './task.js';

// The program of a thread: runs one task after the other and answers with the results.
parentPort!.on('message', async (task: Task) => {
  const answer = await run(task);
  const transferred = typeof answer === 'object' && 'result' in answer ? buffersOf(answer.result) : [];
  parentPort!.postMessage(answer, transferred);
});

async function run(task: Task): Promise<Answer> {
  try {
    return { result: await ('envelope' in task ? runEnvelope(task) : runPass(task)) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function runEnvelope({ network, sequence, envelope: options }: EnvelopeTask): Promise<Envelope> {
  // Most threads make a pass and nothing else.
  const { envelope } = await import('../bounds/envelope.js');
  return envelope(network, sequence, options);
}

async function runPass({ network, sequence, kernels, share, ...options }: PassTask): Promise<Outputs> {
  // Even if the process ends, the other threads must stop waiting for this one.
  const onExit = () => share && fail(share.memory);
  process.once('exit', onExit);
  try {
    return await forwardPass(network, sequence, {
      ...options,
      speed: { kernels },
      share: share && {
        ...share,
        exchange: exchangeIn(share.memory, options.compute, share, sequence.batch),
      },
    });
  } catch (error) {
    if (share) fail(share.memory);
    throw error;
  } finally {
    process.off('exit', onExit);
  }
}

// A task that cannot be received is answered too, or the sender would wait forever.
parentPort!.on('messageerror', ({ message }) => parentPort!.postMessage({ problem: message }));
// A pass by units starts when all threads are ready, because it blocks in exchanges.
parentPort!.postMessage('ready');

/** The buffers of a result, to be transferred instead of copied. */
function buffersOf(result: Outputs | Envelope): ArrayBuffer[] {
  // Shared memory is not transferred.
  const buffers = arraysIn(result)
    .map(({ buffer }) => buffer)
    .filter((buffer) => buffer instanceof ArrayBuffer);
  return [...new Set(buffers)];
}

function arraysIn(result: Outputs | Envelope) {
  if ('output' in result) {
    const { output, h_n, c_n, layers = [], trace = [] } = result;
    return [
      output,
      h_n,
      ...(c_n ? [c_n] : []),
      ...layers,
      ...trace.flatMap(({ parts }) => Object.values(parts)),
    ];
  }
  const { layers, h_n, c_n } = result;
  const spreads = [...layers, h_n, ...(c_n ? [c_n] : [])];
  return spreads.flatMap(({ values, error, undecided }) => [values, error, undecided]);
}
