/** σ(x) = 1 / (1 + e^−x), as torch.sigmoid. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** max(0, x), as torch.relu; NaN stays NaN. */
export function relu(x: number): number {
  return Math.max(0, x);
}
