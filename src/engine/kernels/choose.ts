import { KINDS, type Kind } from '../../kinds.js';
import type { Network, Sequence } from '../../module/bind.js';
import { directionsOf, layerInputSize, outputSize } from '../../module/parameters.js';
import { type Compute, KERNELS, type KernelName, type SpeedOptions } from '../options.js';
import { BINARIES } from './binaries.js';
import type { Kernels } from './kernels.js';
import { plainFloat32, plainFloat64 } from './plain.js';
import { disagreement } from './proof.js';
import { type Engine, instantiate, wasmKernels } from './wasm.js';

/** Kernels to compute with, until they are given back. */
export interface Chosen {
  readonly kernels: Kernels;
  readonly name: KernelName;
  /** What was tried before, and why it is not used. */
  readonly notes: readonly string[];
  readonly release: () => void;
}

// What loading WebAssembly costs (about 10 ms, most of it compilation) is what plain kernels take for so many
// multiplications.
const PLAIN_WORK: Readonly<Record<Compute, number>> = { float64: 2 ** 24, float32: 2 ** 22 };

/** Multiplications of a pass over all steps. */
export function workOf(
  { module, layers }: Network,
  { steps, batch }: Pick<Sequence, 'steps' | 'batch'>,
): number {
  const rows = KINDS[module.kind].gates.length * module.hidden_size;
  const perStep = layers.reduce((sum, _, layer) => {
    const inputs = layerInputSize(module, layer) + outputSize(module);
    return sum + directionsOf(module).length * (rows * inputs + module.proj_size * module.hidden_size);
  }, 0);
  return perStep * steps * batch;
}

// One engine whose memory is no larger is kept for the next pass.
const MOST_KEPT = 2 ** 28;

/** What is known of a build: its module, where this machine can run it, and engines that nobody uses. */
interface Build {
  readonly module?: WebAssembly.Module;
  readonly idle: Engine[];
  /** By kind and precision: what is wrong, or nothing. */
  readonly faults: Map<string, string | undefined>;
}

const builds = new Map<KernelName, Build>();

function buildNamed(name: Exclude<KernelName, 'plain'>): Build {
  const known = builds.get(name);
  if (known) return known;
  const build: Build = { module: compile(name), idle: [], faults: new Map() };
  builds.set(name, build);
  return build;
}

function compile(name: Exclude<KernelName, 'plain'>): WebAssembly.Module | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  const bytes = Uint8Array.from(atob(BINARIES[name]), (character) => character.charCodeAt(0));
  try {
    return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined;
  } catch {
    // A page may forbid it.
    return undefined;
  }
}

/** Nothing where there is no memory: it takes gigabytes of addresses, which a process may not have. */
function engineOf(module: WebAssembly.Module): Engine | undefined {
  try {
    return instantiate(module);
  } catch {
    return undefined;
  }
}

/** The kernels that a pass is worth; what is not plain has proven itself before. */
export function chooseKernels(
  kind: Kind,
  compute: Compute,
  work: number,
  { kernels: wanted, wide = false, prepare }: SpeedOptions,
): Chosen {
  const fastest = wide ? 'wide' : 'relaxed';
  const first = wanted ?? (work < PLAIN_WORK[compute] ? 'plain' : fastest);
  const plain = compute === 'float64' ? plainFloat64 : plainFloat32;
  const notes: string[] = [];
  for (const name of KERNELS.slice(KERNELS.indexOf(first))) {
    if (name === 'plain') break;
    prepare?.();
    const { module, idle, faults } = buildNamed(name);
    if (!module) {
      // That a machine has no relaxed SIMD is ordinary, unless somebody asked for it.
      if (name === wanted)
        notes.push(`this machine, or its Node, has no ${name} kernels, so plainer ones were used`);
      continue;
    }
    const what = `${kind} ${compute}`;
    const engine = faults.get(what) === undefined ? (idle.pop() ?? engineOf(module)) : undefined;
    if (engine) {
      const kernels = wasmKernels(engine, compute);
      if (!faults.has(what)) faults.set(what, disagreement(kernels, plain, kind, compute));
      if (faults.get(what) === undefined) {
        const release = () => {
          if (idle.length === 0 && engine.memory.buffer.byteLength <= MOST_KEPT) idle.push(engine);
        };
        return { kernels, name, notes, release };
      }
    }
    const fault = faults.get(what);
    if (fault === undefined) {
      notes.push(`there is no memory for the ${name} kernels, so plainer ones were used`);
      continue;
    }
    notes.push(
      `the ${name} kernels give wrong numbers on this machine (${fault}), so plainer ones were used`,
    );
  }
  return { kernels: plain, name: 'plain', notes, release: () => undefined };
}
