// Measures what a trace costs: forward passes with and without one take turns in one process.
//
//     npm ci && node bench/trace.js
import { forward, stateDict, tensor } from '../dist/src/index.js';

const GATES = { RNN: 1, GRU: 3, LSTM: 4 };
/** Features, hidden units, steps, batch rows. */
const SIZES = [
  [1, 1, 100_000, 1],
  [2, 4, 50_000, 1],
  [8, 8, 20_000, 1],
  [64, 64, 2000, 1],
  [32, 32, 1000, 8],
  [256, 512, 50, 2],
];
const ROUNDS = 21;

let state = 1;
/** @param {number[]} shape */
function numbers(...shape) {
  const count = shape.reduce((a, b) => a * b);
  return tensor(
    shape,
    Float32Array.from({ length: count }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state / 2 ** 31) * 0.1;
    }),
  );
}

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

console.log(`Node ${process.version}, float64, medians of ${ROUNDS} rounds\n`);
console.log('kind  features  hidden   steps  batch   without     ratio');
for (const [kind, gates] of Object.entries(GATES)) {
  for (const [features, hidden, steps, batch] of SIZES) {
    const rows = gates * hidden;
    const weights = stateDict({
      weight_ih_l0: numbers(rows, features),
      weight_hh_l0: numbers(rows, hidden),
      bias_ih_l0: numbers(rows),
      bias_hh_l0: numbers(rows),
    });
    const input = numbers(steps, batch, features);
    /** @param {boolean} trace */
    const time = async (trace) => {
      const started = performance.now();
      await forward(weights, { input }, { trace });
      return performance.now() - started;
    };
    /** @type {number[][]} */
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push([await time(false), await time(true)]);
    const without = median(rounds.map(([plain]) => plain));
    const ratio = median(rounds.map(([plain, traced]) => traced / plain));
    const numbersOf = [features, hidden, steps, batch].map((size, i) =>
      String(size).padStart([9, 7, 7, 6][i]),
    );
    console.log(
      `${kind.padEnd(5)}${numbersOf.join(' ')} ${without.toFixed(1).padStart(7)} ms  ${ratio.toFixed(2).padStart(7)}`,
    );
  }
}
