import { threadId } from 'node:worker_threads';

/**
 * In the place of a worker of pool.ts: it says which cases it got, and some of them end it.
 * @param {{ jobs: { label: string }[] }} task
 */
export function verifyInWorker({ jobs }) {
  if (jobs.some(({ label }) => label.startsWith('exits'))) process.exit(3);
  if (jobs.some(({ label }) => label.startsWith('throws'))) throw new Error('thrown');
  const outcomes = jobs.map(({ label }) => ({
    result: { label, seconds: 1e-3 },
    verdict: 'parity',
    speed: { name: 'plain', threads: threadId, compute: 'float64' },
  }));
  return { outcomes, read: [] };
}
