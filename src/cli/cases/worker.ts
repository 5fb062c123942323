import { takeFilesRead } from '../../files/open.js';
import { FUSES, setV8Flags } from '../v8-flags.js';
import { type Outcome, verifyCase } from './job.js';
import type { WorkerAnswer, WorkerTask } from './pool.js';

/** Verifies cases in a worker of pool.ts. */
export async function verifyInWorker({ jobs, kernels, threads }: WorkerTask): Promise<WorkerAnswer> {
  const speed = { kernels, threads, wide: FUSES, prepare: setV8Flags };
  const outcomes: Outcome[] = [];
  for (const job of jobs) outcomes.push(await verifyCase(job, speed));
  return { outcomes, read: takeFilesRead() };
}
