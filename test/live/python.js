import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

// Versions are pinned, because an unpinned torch installs gigabytes of CUDA. safetensors wraps the Rust library.
const PACKAGES = ['torch==2.13.0', 'safetensors==0.8.0', 'numpy', 'onnx==1.23.2'];

const VENV = fileURLToPath(new URL('../../.venv', import.meta.url));

/**
 * A Python with PyTorch in `.venv`, which is made if it is missing.
 * @returns {string} the interpreter's path
 */
export function pythonWithTorch() {
  const python = path.join(VENV, 'bin', 'python');
  const complete = path.join(VENV, 'complete');
  const wanted = PACKAGES.join(' ');
  if (!fs.existsSync(complete) || fs.readFileSync(complete, 'utf8') !== wanted) {
    console.error(`making a Python environment with ${wanted} in .venv`);
    execFileSync('python3', ['-m', 'venv', '--clear', VENV], { stdio: ['ignore', 2, 2] });
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { stdio: ['ignore', 2, 2] });
    fs.writeFileSync(complete, wanted);
  }
  return python;
}

/**
 * The same with more packages.
 * @param {readonly string[]} packages
 */
export function pythonWith(packages) {
  const python = pythonWithTorch();
  const installed = path.join(VENV, `with ${packages.join(' ')}`);
  if (!fs.existsSync(installed)) {
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...packages], { stdio: ['ignore', 2, 2] });
    fs.writeFileSync(installed, '');
  }
  return python;
}

/**
 * A folder with packages of npm, which is made if it is missing.
 * @param {readonly string[]} packages
 * @returns {string} its path
 */
export function folderWith(packages) {
  const folder = path.join(VENV, 'node', packages.join('+').replaceAll('/', '-'));
  const installed = path.join(folder, 'installed');
  if (!fs.existsSync(installed)) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
    // Without its libraries for CUDA.
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
    execFileSync('npm', ['install', '--no-audit', '--no-fund', ...packages], {
      cwd: folder,
      env,
      stdio: ['ignore', 2, 2],
    });
    fs.writeFileSync(installed, '');
  }
  return folder;
}
