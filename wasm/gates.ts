// The gate steps, vector by vector: src/engine/cells/ has the equations.
//
// gates [rows, gates·units], in: W_ih x + b_ih, out: the activated gates; hidden [rows, gates·units]: W_hh h + b_hh;
// h and c [rows, units]. Vectors may reach beyond a row's end when they are read, never when they are written.

import { sigmoid, tanh } from './activations';
import { lanes, madd, storeFirst } from './vector';

// @ts-ignore: decorator
@inline
export function sum<T>(a: usize, b: usize): v128 {
  return v128.add<T>(v128.load(a), v128.load(b));
}

export function rnn<T>(rows: i32, units: i32, gates: usize, hidden: usize, h: usize, relu: bool): void {
  const count = rows * units;
  for (let i = 0; i < count; i += lanes<T>()) {
    const at = <usize>i * sizeof<T>();
    const x = sum<T>(gates + at, hidden + at);
    const value = relu ? v128.max<T>(x, v128.splat<T>(<T>0)) : tanh<T>(x);
    storeFirst<T>(gates + at, value, count - i);
    storeFirst<T>(h + at, value, count - i);
  }
}

export function gru<T>(rows: i32, units: i32, gates: usize, hidden: usize, h: usize): void {
  const block = <usize>units * sizeof<T>();
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < units; unit += lanes<T>()) {
      const inR = (<usize>row * 3 * units + unit) * sizeof<T>();
      const inZ = inR + block;
      const inN = inZ + block;
      const at = h + (<usize>row * units + unit) * sizeof<T>();
      const r = sigmoid<T>(sum<T>(gates + inR, hidden + inR));
      const z = sigmoid<T>(sum<T>(gates + inZ, hidden + inZ));
      const n = tanh<T>(madd<T>(r, v128.load(hidden + inN), v128.load(gates + inN)));
      const left = units - unit;
      storeFirst<T>(gates + inR, r, left);
      storeFirst<T>(gates + inZ, z, left);
      storeFirst<T>(gates + inN, n, left);
      storeFirst<T>(at, madd<T>(v128.sub<T>(v128.load(at), n), z, n), left);
    }
  }
}

export function lstm<T>(rows: i32, units: i32, gates: usize, hidden: usize, h: usize, c: usize): void {
  const block = <usize>units * sizeof<T>();
  for (let row = 0; row < rows; row++) {
    // Gates first, then states: each loop's iterations need nothing of each other, and are short enough to overlap.
    for (let unit = 0; unit < units; unit += lanes<T>()) {
      const inI = (<usize>row * 4 * units + unit) * sizeof<T>();
      const inF = inI + block;
      const inG = inF + block;
      const inO = inG + block;
      const left = units - unit;
      storeFirst<T>(gates + inI, sigmoid<T>(sum<T>(gates + inI, hidden + inI)), left);
      storeFirst<T>(gates + inF, sigmoid<T>(sum<T>(gates + inF, hidden + inF)), left);
      storeFirst<T>(gates + inG, tanh<T>(sum<T>(gates + inG, hidden + inG)), left);
      storeFirst<T>(gates + inO, sigmoid<T>(sum<T>(gates + inO, hidden + inO)), left);
    }
    for (let unit = 0; unit < units; unit += lanes<T>()) {
      const inI = gates + (<usize>row * 4 * units + unit) * sizeof<T>();
      const inF = inI + block;
      const inG = inF + block;
      const inO = inG + block;
      const at = (<usize>row * units + unit) * sizeof<T>();
      const next = madd<T>(v128.load(inF), v128.load(c + at), v128.mul<T>(v128.load(inI), v128.load(inG)));
      const left = units - unit;
      storeFirst<T>(c + at, next, left);
      storeFirst<T>(h + at, v128.mul<T>(v128.load(inO), tanh<T>(next)), left);
    }
  }
}
