import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from '../cli.js';

// Pinned: an unpinned torch brings gigabytes of CUDA.
const TORCH = 'torch==2.13.0';

/** A Python with PyTorch, in `.venv`; made if there is none. */
export function pythonWithTorch(): string {
  const venv = path.join(ROOT, '.venv');
  const python = path.join(venv, 'bin', 'python');
  if (!fs.existsSync(path.join(venv, 'complete'))) {
    execFileSync('python3', ['-m', 'venv', '--clear', venv], { stdio: 'inherit' });
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', TORCH], { stdio: 'inherit' });
    fs.writeFileSync(path.join(venv, 'complete'), TORCH);
  }
  return python;
}
