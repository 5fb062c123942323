// The gate steps, vector by vector: src/engine/cells/ has the equations. Names in …At are byte offsets of vectors.
//
// gates [rows, gates·units]: in W_ih x + b_ih, out the activated gates. hidden [rows, gates·units]: W_hh h + b_hh.
// h and c [rows, units]. Reads may go beyond the end of a row, writes never do.

import { sigmoid, tanh } from './activations';
import { lanes, madd, storeFirst } from './vector';

// @ts-ignore: decorator
@inline
export function sumOf<T>(a: usize, b: usize): v128 {
  return v128.add<T>(v128.load(a), v128.load(b));
}

export function rnn<T>(rows: i32, units: i32, gates: usize, hidden: usize, h: usize, relu: bool): void {
  const count = rows * units;
  for (let i = 0; i < count; i += lanes<T>()) {
    const offset = <usize>i * sizeof<T>();
    const x = sumOf<T>(gates + offset, hidden + offset);
    const value = relu ? v128.max<T>(x, v128.splat<T>(<T>0)) : tanh<T>(x);
    storeFirst<T>(gates + offset, value, count - i);
    storeFirst<T>(h + offset, value, count - i);
  }
}

export function gru<T>(rows: i32, units: i32, gates: usize, hidden: usize, h: usize): void {
  const block = <usize>units * sizeof<T>();
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += lanes<T>()) {
      const rAt = (<usize>row * 3 * units + unit) * sizeof<T>();
      const zAt = rAt + block;
      const nAt = zAt + block;
      const hAt = h + (<usize>row * units + unit) * sizeof<T>();
      const r = sigmoid<T>(sumOf<T>(gates + rAt, hidden + rAt));
      const z = sigmoid<T>(sumOf<T>(gates + zAt, hidden + zAt));
      const n = tanh<T>(madd<T>(r, v128.load(hidden + nAt), v128.load(gates + nAt)));
      const left = units - unit;
      storeFirst<T>(gates + rAt, r, left);
      storeFirst<T>(gates + zAt, z, left);
      storeFirst<T>(gates + nAt, n, left);
      storeFirst<T>(hAt, madd<T>(v128.sub<T>(v128.load(hAt), n), z, n), left);
    }
  }
}

export function lstm<T>(rows: i32, units: i32, gates: usize, hidden: usize, h: usize, c: usize): void {
  const block = <usize>units * sizeof<T>();
  for (let row = 0; row < rows; row++) {
    // Gates first, then states: in two loops, iterations are independent and short enough for the processor to overlap.
    for (let unit = 0; unit < units; unit += lanes<T>()) {
      const iAt = (<usize>row * 4 * units + unit) * sizeof<T>();
      const fAt = iAt + block;
      const gAt = fAt + block;
      const oAt = gAt + block;
      const left = units - unit;
      storeFirst<T>(gates + iAt, sigmoid<T>(sumOf<T>(gates + iAt, hidden + iAt)), left);
      storeFirst<T>(gates + fAt, sigmoid<T>(sumOf<T>(gates + fAt, hidden + fAt)), left);
      storeFirst<T>(gates + gAt, tanh<T>(sumOf<T>(gates + gAt, hidden + gAt)), left);
      storeFirst<T>(gates + oAt, sigmoid<T>(sumOf<T>(gates + oAt, hidden + oAt)), left);
    }
    for (let unit = 0; unit < units; unit += lanes<T>()) {
      const iAt = gates + (<usize>row * 4 * units + unit) * sizeof<T>();
      const fAt = iAt + block;
      const gAt = fAt + block;
      const oAt = gAt + block;
      const stateAt = (<usize>row * units + unit) * sizeof<T>();
      const next = madd<T>(v128.load(fAt), v128.load(c + stateAt), v128.mul<T>(v128.load(iAt), v128.load(gAt)));
      const left = units - unit;
      storeFirst<T>(c + stateAt, next, left);
      storeFirst<T>(h + stateAt, v128.mul<T>(v128.load(oAt), tanh<T>(next)), left);
    }
  }
}
