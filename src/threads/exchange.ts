import type { Share } from '../engine/layer.js';
import type { Compute } from '../engine/options.js';
import type { Floats } from '../tensor/dtype.js';

// In memory that threads share: how many have arrived so far, and whether one has failed; then two vectors, of which one
// is written while the other may still be read.
const ARRIVED = 0;
const FAILED = 1;
const HEAD_BYTES = 16;

const SPINS = 20_000;
const WAIT_MS = 50;
const MOST_WAITS = 2400;

/** Another thread could not start, or ended, or could not do its part. */
export class ThreadFailure extends Error {}

/** Memory for exchanging vectors of up to so many values. */
export function exchangeMemory(compute: Compute, length: number): SharedArrayBuffer {
  const { BYTES_PER_ELEMENT } = compute === 'float64' ? Float64Array : Float32Array;
  return new SharedArrayBuffer(HEAD_BYTES + 2 * length * BYTES_PER_ELEMENT);
}

/** Tells the other threads that there is nothing more to wait for. */
export function fail(memory: SharedArrayBuffer): void {
  const head = new Int32Array(memory, 0, 2);
  Atomics.store(head, FAILED, 1);
  Atomics.notify(head, ARRIVED);
}

/**
 * One of `count` threads' way of exchanging vectors.
 * @throws ThreadFailure where another thread has failed, or none has come for two minutes
 */
export function exchangeIn(memory: SharedArrayBuffer, compute: Compute, count: number): Share['exchange'] {
  const head = new Int32Array(memory, 0, 2);
  const values: Floats =
    compute === 'float64' ? new Float64Array(memory, HEAD_BYTES) : new Float32Array(memory, HEAD_BYTES);
  const half = values.length / 2;
  const vectors = [values.subarray(0, half), values.subarray(half)];
  let turn = 0;
  return (own, from, whole) => {
    const vector = vectors[turn % 2];
    turn++;
    vector.set(own, from);
    // All have arrived when there are count more than at the turn before; the number may wrap around.
    const awaited = (turn * count) | 0;
    Atomics.add(head, ARRIVED, 1);
    Atomics.notify(head, ARRIVED);
    for (let i = 0; ((Atomics.load(head, ARRIVED) - awaited) | 0) < 0; i++) {
      if (i < SPINS) continue;
      const seen = Atomics.load(head, ARRIVED);
      if (((seen - awaited) | 0) >= 0) break;
      if (Atomics.load(head, FAILED) || i > SPINS + MOST_WAITS) throw new ThreadFailure('one did not come');
      Atomics.wait(head, ARRIVED, seen, WAIT_MS);
    }
    whole.set(vector.length === whole.length ? vector : vector.subarray(0, whole.length));
  };
}
