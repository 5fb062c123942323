import { type Share, unitsOf } from '../engine/layer-run.js';
import type { Compute } from '../engine/options.js';
import type { Floats } from '../tensor/dtype.js';

// Layout of the memory that threads share: a head of two int32 (the number of arrivals so far, and whether a thread has
// failed), then two vectors. Threads write one of them while slower threads may still read the other.
const ARRIVALS = 0;
const FAILED = 1;
const HEAD_BYTES = 16;

// A thread first polls this many times, which is faster than sleeping, and then sleeps up to MOST_WAITS times.
const SPINS = 20_000;
const WAIT_MS = 50;
const MOST_WAITS = 2400;

/** Another thread could not start, has ended, or has failed. */
export class ThreadFailure extends Error {}

/** Memory for exchanging vectors of up to `length` values. */
export function exchangeMemory(compute: Compute, length: number): SharedArrayBuffer {
  const { BYTES_PER_ELEMENT } = compute === 'float64' ? Float64Array : Float32Array;
  return new SharedArrayBuffer(HEAD_BYTES + 2 * length * BYTES_PER_ELEMENT);
}

/** Tells the other threads to stop waiting. */
export function fail(memory: SharedArrayBuffer): void {
  const head = new Int32Array(memory, 0, 2);
  Atomics.store(head, FAILED, 1);
  Atomics.notify(head, ARRIVALS);
}

/**
 * The `exchange` of thread number `index` of `count`, for vectors of this many batch rows.
 * @throws ThreadFailure where another thread has failed, or has not arrived after two minutes
 */
export function exchangeIn(
  memory: SharedArrayBuffer,
  compute: Compute,
  { index, count }: Pick<Share, 'index' | 'count'>,
  batch: number,
): Share['exchange'] {
  const head = new Int32Array(memory, 0, 2);
  const both: Floats =
    compute === 'float64' ? new Float64Array(memory, HEAD_BYTES) : new Float32Array(memory, HEAD_BYTES);
  const length = both.length / 2;
  const vectors = [both.subarray(0, length), both.subarray(length)];
  let exchanges = 0;
  return (values, whole) => {
    const size = whole.length / batch;
    const vector = vectors[exchanges % 2];
    exchanges++;
    vector.set(values, batch * unitsOf({ index, count }, size).from);
    // After n exchanges there are n · count arrivals. The number may wrap around, so that differences are compared.
    const awaited = (exchanges * count) | 0;
    Atomics.add(head, ARRIVALS, 1);
    Atomics.notify(head, ARRIVALS);
    for (let i = 0; ((Atomics.load(head, ARRIVALS) - awaited) | 0) < 0; i++) {
      if (i < SPINS) continue;
      const seen = Atomics.load(head, ARRIVALS);
      if (((seen - awaited) | 0) >= 0) break;
      if (Atomics.load(head, FAILED) || i > SPINS + MOST_WAITS) throw new ThreadFailure('one did not come');
      Atomics.wait(head, ARRIVALS, seen, WAIT_MS);
    }
    for (let thread = 0; thread < count; thread++) {
      const { from, to } = unitsOf({ index: thread, count }, size);
      for (let row = 0; row < batch; row++) {
        const start = batch * from + row * (to - from);
        whole.set(vector.subarray(start, start + to - from), row * size + from);
      }
    }
  };
}
