import { KINDS, type Kind } from '../../kinds.js';
import type { Network, Sequence } from '../../module/bind.js';
import { directionsOf, layerInputSize, outputSize } from '../../module/parameters.js';
import { type Compute, KERNELS, type KernelName, type SpeedOptions } from '../options.js';
import { BINARIES } from './binaries.js';
import type { Kernels } from './kernels.js';
import { plainFloat32, plainFloat64 } from './plain.js';
import { disagreement } from './proof.js';
import { type Engine, instantiate, wasmKernels } from './wasm.js';

/** Kernels for one pass. Call `release` after it, so that later passes can use their memory again. */
export interface Chosen {
  readonly kernels: Kernels;
  readonly name: KernelName;
  /** Why faster kernels are not used. */
  readonly notes: readonly string[];
  readonly release: () => void;
}

// Loading WebAssembly takes about 10 ms, most of it compilation: as long as this many multiplications by plain kernels.
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

/** With plain kernels, judging takes about this many times as long as a forward pass. */
const JUDGING = 4;

/**
 * To judge at most this many rows, plain kernels are used: packing the weights would take longer than the products, and as much
 * memory again.
 */
const FEW_ROWS = 8;

/** The work of a pass whose references are judged, in multiplications of plain kernels. */
export function workOfJudging(network: Network, sequence: Pick<Sequence, 'steps' | 'batch'>): number {
  if (sequence.steps * sequence.batch <= FEW_ROWS) return 0;
  return JUDGING * workOf(network, sequence);
}

/** The kernels that pay for this much work. Builds of WebAssembly are used once they agree with the plain kernels. */
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
    const build = buildNamed(name);
    if (!build.module) {
      // A machine without relaxed SIMD is nothing unusual, so that this is noted only where somebody asked for it.
      if (name === wanted)
        notes.push(`this machine, or its Node, has no ${name} kernels, so plainer ones were used`);
      continue;
    }
    const attempt = kernelsOf(build, build.module, kind, compute, plain);
    if (typeof attempt !== 'string') return { ...attempt, name, notes };
    notes.push(
      attempt === NO_MEMORY
        ? `there is no memory for the ${name} kernels, so plainer ones were used`
        : `the ${name} kernels give wrong numbers on this machine (${attempt}), so plainer ones were used`,
    );
  }
  return { kernels: plain, name: 'plain', notes, release: () => undefined };
}

/** A build of WebAssembly in this process. */
interface Build {
  /** Absent where the machine, or its Node, cannot run it. */
  readonly module?: WebAssembly.Module;
  /** Engines for the next pass. */
  readonly idle: Engine[];
  /** By kind and precision: what differs from the plain kernels, or undefined where nothing does. */
  readonly faults: Map<string, string | undefined>;
}

const builds = new Map<KernelName, Build>();

function buildNamed(name: Exclude<KernelName, 'plain'>): Build {
  const existing = builds.get(name);
  if (existing) return existing;
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
    // A page's content security policy may forbid WebAssembly.
    return undefined;
  }
}

const NO_MEMORY = 'no memory';
// An engine is kept for the next pass if its memory has at most this many bytes.
const MOST_KEPT = 2 ** 28;

/** A build's kernels, or why they cannot be used: NO_MEMORY, or how they differ from the plain ones. */
function kernelsOf(
  { idle, faults }: Build,
  module: WebAssembly.Module,
  kind: Kind,
  compute: Compute,
  plain: Kernels,
): Pick<Chosen, 'kernels' | 'release'> | string {
  const key = `${kind} ${compute}`;
  const knownFault = faults.get(key);
  if (knownFault !== undefined) return knownFault;
  const engine = idle.pop() ?? engineOf(module);
  if (!engine) return NO_MEMORY;
  const kernels = wasmKernels(engine, compute);
  if (!faults.has(key)) faults.set(key, disagreement(kernels, plain, kind, compute));
  const fault = faults.get(key);
  if (fault !== undefined) return fault;
  const release = () => {
    if (idle.length === 0 && engine.memory.buffer.byteLength <= MOST_KEPT) idle.push(engine);
  };
  return { kernels, release };
}

/** Undefined where there is no memory: an engine reserves gigabytes of address space, which a process may not have. */
function engineOf(module: WebAssembly.Module): Engine | undefined {
  try {
    return instantiate(module);
  } catch {
    return undefined;
  }
}
