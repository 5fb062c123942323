"""Layers with a wrong weight, and what the numpy prototype of the regression finds in them.

    localise.py ORACLES COUNT SEED      ORACLES: the folder that has the prototypes, localise.py and envelope.py

Prints a line of JSON for every layer: { kind, weights, x, h0, c0, expected, sigma, total, best }, where `best` has, for
every part of a gate, [explained, part, unit, feature, change, deviation].
"""

import json
import sys

import numpy as np

ORACLES, COUNT, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sys.path.insert(0, ORACLES)
import localise as oracle  # noqa: E402

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}

rng = np.random.default_rng(SEED)
for number in range(COUNT):
    kind = list(GATES)[number % 4]
    hidden, inputs, steps, batch = rng.choice([1, 3, 8, 20]), rng.integers(1, 7), rng.integers(8, 60), rng.integers(1, 4)
    rows = GATES[kind] * hidden
    # Larger weights of relu make values grow without bound, which leaves only cancellation errors.
    bound = (1 if kind == "RNN_RELU" else rng.choice([1, 3])) / np.sqrt(hidden)
    weights = [rng.uniform(-bound, bound, shape) for shape in ((rows, inputs), (rows, hidden), (rows,), (rows,))]
    x = rng.standard_normal((steps, batch, inputs))
    h0, c0 = rng.standard_normal((2, batch, hidden)) * 0.5
    true = [weight.copy() for weight in weights]
    which = true[rng.integers(4)].reshape(-1)
    which[rng.integers(which.size)] *= 1 + rng.choice([1e-4, 1e-2])
    # The outputs of the true layer, each step from the one before.
    expected = np.zeros((steps, batch, hidden))
    for t in range(steps):
        y, _, _ = oracle.sens(kind, true, x[: t + 1], h0, c0, expected[: t + 1])
        expected[t] = y[t]
    sigma = rng.uniform(0.5, 2, expected.shape) * 1e-7 * np.maximum(1, np.abs(expected))
    expected += sigma * rng.standard_normal(expected.shape)
    best, total = oracle.localise(kind, weights, x, h0, c0, expected, sigma)
    as_lists = lambda *arrays: [array.tolist() for array in arrays]
    print(
        json.dumps(
            {
                "kind": kind,
                "weights": as_lists(*weights),
                **dict(zip(("x", "h0", "c0", "expected", "sigma"), as_lists(x, h0, c0, expected, sigma))),
                "total": float(total),
                "best": [[float(value) for value in one] for one in best],
            }
        )
    )
