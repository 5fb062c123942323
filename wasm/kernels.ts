// The exports of a build: every function in float32 and float64. Pointers are byte offsets in the memory.

import { sigmoid, tanh } from './activations';
import { gru, lstm, rnn } from './gates';
import { FREE, pack, panelColumns, product, singleColumns, singleProduct } from './products';
import {
  differences,
  gruSamples,
  gruScreen,
  lstmSamples,
  lstmScreen,
  narrow,
  rnnSamples,
  rnnScreen,
  screenDeviations,
  squares,
} from './screen';
import { gruVariances, lstmVariances, rnnVariances } from './variances';
import { lanes, storeFirst } from './vector';

/** Where the memory that kernels do not use themselves begins. */
export function free(): usize {
  return FREE;
}

/**
 * Columns of a panel: columns_T for products of many rows, columns_W_T for products of one row, whose weights of type W
 * may be narrower than the results of type T.
 */
export function columns_f32(): i32 {
  return panelColumns<f32>();
}
export function columns_f64(): i32 {
  return panelColumns<f64>();
}
export function columns_f32_f32(): i32 {
  return singleColumns<f32, f32>();
}
export function columns_f32_f64(): i32 {
  return singleColumns<f32, f64>();
}
export function columns_f64_f64(): i32 {
  return singleColumns<f64, f64>();
}

export function pack_f32_f32(to: usize, from: usize, columns: i32, size: i32, width: i32): void {
  pack<f32, f32>(to, from, columns, size, width);
}
export function pack_f64_f32(to: usize, from: usize, columns: i32, size: i32, width: i32): void {
  pack<f64, f32>(to, from, columns, size, width);
}
export function pack_f32_f64(to: usize, from: usize, columns: i32, size: i32, width: i32): void {
  pack<f32, f64>(to, from, columns, size, width);
}
export function pack_f64_f64(to: usize, from: usize, columns: i32, size: i32, width: i32): void {
  pack<f64, f64>(to, from, columns, size, width);
}

export function product_f32(
  out: usize,
  x: usize,
  rows: i32,
  size: i32,
  panels: usize,
  columns: i32,
  bias: usize,
): void {
  product<f32>(out, x, rows, size, panels, columns, bias);
}
export function product_f64(
  out: usize,
  x: usize,
  rows: i32,
  size: i32,
  panels: usize,
  columns: i32,
  bias: usize,
): void {
  product<f64>(out, x, rows, size, panels, columns, bias);
}
export function single_f32_f32(out: usize, x: usize, size: i32, panels: usize, columns: i32, bias: usize): void {
  singleProduct<f32, f32>(out, x, size, panels, columns, bias);
}
export function single_f64_f64(out: usize, x: usize, size: i32, panels: usize, columns: i32, bias: usize): void {
  singleProduct<f64, f64>(out, x, size, panels, columns, bias);
}

export function single_f32_f64(out: usize, x: usize, size: i32, panels: usize, columns: i32, bias: usize): void {
  singleProduct<f32, f64>(out, x, size, panels, columns, bias);
}

export function rnn_f32(rows: i32, units: i32, gates: usize, hidden: usize, h: usize, relu: bool): void {
  if (relu) rnn<f32>(rows, units, gates, hidden, h, true);
  else rnn<f32>(rows, units, gates, hidden, h, false);
}
export function rnn_f64(rows: i32, units: i32, gates: usize, hidden: usize, h: usize, relu: bool): void {
  if (relu) rnn<f64>(rows, units, gates, hidden, h, true);
  else rnn<f64>(rows, units, gates, hidden, h, false);
}
export function gru_f32(rows: i32, units: i32, gates: usize, hidden: usize, h: usize): void {
  gru<f32>(rows, units, gates, hidden, h);
}
export function gru_f64(rows: i32, units: i32, gates: usize, hidden: usize, h: usize): void {
  gru<f64>(rows, units, gates, hidden, h);
}
export function lstm_f32(rows: i32, units: i32, gates: usize, hidden: usize, h: usize, c: usize): void {
  lstm<f32>(rows, units, gates, hidden, h, c);
}
export function lstm_f64(rows: i32, units: i32, gates: usize, hidden: usize, h: usize, c: usize): void {
  lstm<f64>(rows, units, gates, hidden, h, c);
}

export function rnn_variances(
  rows: i32, units: i32, gates: usize, hidden: usize, gatesV: usize, hiddenV: usize, bias: usize, terms: usize,
  h: usize, hV: usize, relu: bool,
): void {
  if (relu) rnnVariances(rows, units, gates, hidden, gatesV, hiddenV, bias, terms, h, hV, true);
  else rnnVariances(rows, units, gates, hidden, gatesV, hiddenV, bias, terms, h, hV, false);
}
export function rnn_screen(
  rows: i32, units: i32, sumsX: usize, sumsH: usize, dSums: usize, vX: usize, vH: usize, biasesV: usize, terms: usize,
  dh: usize, hV: usize, relu: bool,
): bool {
  return relu
    ? rnnScreen(rows, units, sumsX, sumsH, dSums, vX, vH, biasesV, terms, dh, hV, true)
    : rnnScreen(rows, units, sumsX, sumsH, dSums, vX, vH, biasesV, terms, dh, hV, false);
}
export { gruSamples as gru_samples, lstmSamples as lstm_samples, rnnSamples as rnn_samples };
export { gruScreen as gru_screen, lstmScreen as lstm_screen, screenDeviations as screen_deviations };
export { differences, narrow, squares };
export { gruVariances as gru_variances, lstmVariances as lstm_variances };

/** σ or tanh of `count` values, in place. For tests of their accuracy. */
export function activate_f32(values: usize, count: i32, hyperbolic: bool): void {
  for (let i = 0; i < count; i += lanes<f32>(), values += 16) {
    const x = v128.load(values);
    storeFirst<f32>(values, hyperbolic ? tanh<f32>(x) : sigmoid<f32>(x), count - i);
  }
}
export function activate_f64(values: usize, count: i32, hyperbolic: bool): void {
  for (let i = 0; i < count; i += lanes<f64>(), values += 16) {
    const x = v128.load(values);
    storeFirst<f64>(values, hyperbolic ? tanh<f64>(x) : sigmoid<f64>(x), count - i);
  }
}
