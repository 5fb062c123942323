"""Random networks with the rounding envelope that the numpy prototype computes.

    envelope.py ORACLES COUNT SEED [MOST]      ORACLES: the folder that has the prototype, envelope.py

Prints a JSON array of { case, results: { "free likely": { output, h_n, c_n } … } }, where MOST is given only of those
cases that take so many bytes at most. test/data/envelope.json has 60 of them:

    envelope.py ORACLES 60 7 24000
"""

import json
import sys

import numpy as np

ORACLES, COUNT, SEED, *MOST = sys.argv[1], *map(int, sys.argv[2:])
sys.path.insert(0, ORACLES)
import envelope as oracle  # noqa: E402

# A teacher-forced step begins from the reference, so that an undecided step does not make the next one undecided.
oracle.HOLD = False
GATES = oracle.G


def network(rng, kind, inputs, hidden, proj, layers, ways, bias, scale, style):
    rows = GATES[kind] * hidden
    size = proj or hidden
    bound = scale / np.sqrt(hidden)
    # Few digits make small files.
    draw = lambda *shape: rng.uniform(-bound, bound, shape).round(4)
    if style == "constant":
        draw = lambda *shape: np.full(shape, 0.1)
    net = []
    for layer in range(layers):
        width = inputs if layer == 0 else ways * size
        net.append([])
        for _ in range(ways):
            w = {"W_ih": draw(rows, width), "W_hh": draw(rows, size)}
            if style == "twins" and hidden > 2:
                for name in w:
                    for gate in range(GATES[kind]):
                        w[name][gate * hidden + 1] = w[name][gate * hidden]
            if bias:
                w["b_ih"], w["b_hh"] = draw(rows), draw(rows)
                if style == "twins" and hidden > 2:
                    for name in ("b_ih", "b_hh"):
                        for gate in range(GATES[kind]):
                            w[name][gate * hidden + 1] = w[name][gate * hidden]
            if proj:
                w["W_hr"] = draw(proj, hidden)
            net[-1].append(w)
    return net


def case(rng):
    kind = rng.choice(["RNN_TANH", "RNN_RELU", "GRU", "LSTM"])
    hidden = int(rng.choice([1, 2, 5, 9, 16]))
    proj = int(rng.integers(1, hidden)) if kind == "LSTM" and hidden > 1 and rng.random() < 0.4 else 0
    layers, ways = int(rng.choice([1, 1, 2, 3])), int(rng.choice([1, 2]))
    steps, batch, inputs = int(rng.choice([1, 2, 7, 20])), int(rng.choice([1, 3])), int(rng.choice([1, 4, 7]))
    style = str(rng.choice(["random"] * 4 + ["twins", "constant"]))
    scale = float(rng.choice([1, 1, 3, 10]))
    net = network(rng, kind, inputs, hidden, proj, layers, ways, rng.random() < 0.8, scale, style)
    size = proj or hidden
    one = {
        "kind": str(kind),
        "layers": net,
        "x": rng.standard_normal((steps, batch, inputs)).round(4),
        "h0": rng.uniform(-1, 1, (layers * ways, batch, size)).round(4) if rng.random() < 0.6 else None,
        "profile": str(rng.choice(["torch", "generic", "tf32", "f16", "bf16", "f64"])),
    }
    if kind == "LSTM" and one["h0"] is not None:
        one["c0"] = rng.standard_normal((layers * ways, batch, hidden)).round(4)
    if rng.random() < 0.4:
        one["lengths"] = [int(n) for n in rng.integers(1, steps + 1, batch)]
        one["lengths"][int(rng.integers(batch))] = steps
    return one


def short(value):
    """Twelve digits: what is compared to nine needs no more."""
    if isinstance(value, list):
        return [short(inner) for inner in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def lists(value):
    if isinstance(value, np.ndarray):
        return oracle.plain(short(value.tolist()))
    if isinstance(value, dict):
        return {name: lists(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [lists(inner) for inner in value]
    return value


def main():
    rng = np.random.default_rng(SEED)
    all_cases = []
    while len(all_cases) < COUNT:
        one = case(rng)
        with np.errstate(all="ignore"):
            free = oracle.run_case({**lists(one), "mode": "free", "model": "L"})
            noise = 1 + 1e-6 * rng.standard_normal(free["y"].shape)
            reference = np.nan_to_num(free["y"] * noise, posinf=3.0, neginf=-3.0)
            one["reference"] = np.array(short(reference.tolist()))
            results = {
                f"{mode} {name}": oracle.run_case({**lists(one), "mode": mode, "model": model})
                for mode in ("free", "teacher-forced")
                for name, model in (("likely", "L"), ("worst", "W"))
            }
        found = {"case": lists(one), "results": lists(results)}
        if not MOST or len(json.dumps(found)) <= MOST[0]:
            all_cases.append(found)
    json.dump(all_cases, sys.stdout)


main()
