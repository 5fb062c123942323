"""Random networks with the outputs that the numpy prototype predicts for every wrong convention.

    causes.py ORACLES SEEDS SEED PAIRS      ORACLES: the folder that has the prototype, causes.py

Prints a line of JSON for every network: { kind, layers, x, h0, c0, hypotheses: [{ name, flags, y }], pairs: [...] }.
"""

import json
import sys

import numpy as np

ORACLES, SEEDS, SEED, PAIRS = sys.argv[1], *map(int, sys.argv[2:])
sys.path.insert(0, ORACLES)
import causes as oracle  # noqa: E402


def outputs(kind, model, x, h0, c0, flags):
    try:
        y = oracle.forward(kind, model, x, h0, c0, flags)
    except Exception:  # not every cause applies to every network
        return None
    return y if y.shape == (*x.shape[:2], h0.shape[2] * len(model[0])) else None


def main():
    for layers, ways in (1, 1), (2, 2):
        for kind in "RNN", "GRU", "LSTM":
            for regime, facts in oracle.REG.items():
                if layers > 1 and facts.get("H", 5) >= 64:
                    continue  # would take minutes and show no more than smaller ones
                for seed in range(SEEDS if facts.get("H", 5) < 64 else 1):
                    rng = np.random.default_rng(SEED + seed)
                    steps, batch = facts.get("T", 6), facts.get("B", 3)
                    hidden, inputs = facts.get("H", 5), facts.get("I", 4)
                    model = oracle.rand_model(kind, inputs, hidden, layers, ways, rng, facts.get("zb"))
                    x = rng.standard_normal((steps, batch, inputs))
                    if facts.get("cx"):
                        x[:] = x[:1]
                    h0, c0 = rng.standard_normal((2, layers * ways, batch, hidden)) * 0.5
                    if facts.get("z0"):
                        h0, c0 = h0 * 0, c0 * 0
                    table = oracle.hypotheses(kind, layers, ways)
                    singles, pairs = [], []
                    for name, flags in table.items():
                        y = outputs(kind, model, x, h0, c0, flags)
                        if y is not None:
                            singles.append({"name": name, "flags": flags, "y": y.tolist()})
                    names = [one["name"] for one in singles if one["name"] != "correct"]
                    for _ in range(PAIRS):
                        a, b = (table[names[k]] for k in rng.choice(len(names), 2, replace=False))
                        y = None if set(a) & set(b) else outputs(kind, model, x, h0, c0, {**a, **b})
                        if y is not None:
                            pairs.append({"name": f"{a} {b}", "flags": {**a, **b}, "y": y.tolist()})
                    print(
                        json.dumps(
                            {
                                "kind": kind,
                                "regime": regime,
                                "layers": [[[p.tolist() for p in way] for way in layer] for layer in model],
                                "x": x.tolist(),
                                "h0": h0.tolist(),
                                "c0": c0.tolist(),
                                "hypotheses": singles,
                                "pairs": pairs,
                            }
                        )
                    )


main()
