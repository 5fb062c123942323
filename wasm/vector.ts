// Operations on vectors of T (f32 or f64). A v128 holds lanes<T>() of them.

/** a · b + c, rounded once in builds with fused multiply-add, else twice. */
// @ts-ignore: decorator
@inline
export function madd<T>(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.relaxed_madd<T>(a, b, c) : v128.add<T>(v128.mul<T>(a, b), c);
}

// @ts-ignore: decorator
@inline
export function lanes<T>(): i32 {
  return 16 / <i32>sizeof<T>();
}

/** Stores the first `count` lanes; all if there are fewer. */
// @ts-ignore: decorator
@inline
export function storeFirst<T>(to: usize, values: v128, count: i32): void {
  if (count >= lanes<T>()) {
    v128.store(to, values);
  } else if (sizeof<T>() == 8) {
    v128.store64_lane(to, values, 0);
  } else {
    v128.store32_lane(to, values, 0);
    if (count > 1) v128.store32_lane(to, values, 1, 4);
    if (count > 2) v128.store32_lane(to, values, 2, 8);
  }
}

/** Loads weights of type W as T. Keeping float32 weights narrow halves the bytes that a float64 product reads. */
// @ts-ignore: decorator
@inline
export function weights<W, T>(from: usize, offset: usize): v128 {
  return sizeof<W>() < sizeof<T>()
    ? f64x2.promote_low_f32x4(v128.load64_zero(from + offset))
    : v128.load(from + offset);
}
