import { Option } from 'commander';
import { KERNELS, type KernelName, type SpeedOptions } from '../../engine/options.js';
import { CellcheckError, printable } from '../../errors.js';
import type { Io } from '../io.js';
import { fromOne } from './parsers.js';

export interface SpeedOptionValues {
  threads?: number;
  verbose?: boolean;
}

export function threadsOption(): Option {
  const text = 'threads to compute in (default: as many as pay)';
  return new Option('--threads <count>', text).argParser(fromOne);
}

/** @param also what else a command says then */
export function verboseOption(also?: string): Option {
  return new Option('--verbose', `says which kernels computed, on stderr${also ? `, and ${also}` : ''}`);
}

/** The kernels and threads that the command line and the environment select. */
export function speedOf({ threads }: SpeedOptionValues, { env, speed }: Io): SpeedOptions {
  return { ...speed, kernels: kernelsIn(env.CELLCHECK_KERNELS), threads: threads ?? speed.threads };
}

function kernelsIn(text: string | undefined): KernelName | undefined {
  if (!text) return undefined;
  const name = KERNELS.find((kernels) => kernels === text);
  if (name) return name;
  throw new CellcheckError({
    code: 'option',
    problem: `CELLCHECK_KERNELS is ${printable(text)}, and kernels are ${KERNELS.join(', ')}`,
  });
}

/** The line that --verbose writes for a case. */
export function speedLine(
  label: string,
  { name, threads }: { readonly name: string; readonly threads: number },
  compute: string,
): string {
  return `cellcheck: ${printable(label)}: ${name} kernels, ${compute}, ${threads} ${threads === 1 ? 'thread' : 'threads'}\n`;
}
