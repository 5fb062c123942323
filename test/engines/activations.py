"""The errors of tanh and σ inside each runtime's own cells, in units of 2⁻²⁴: activations.py RUNTIME… prints a line of JSON
for each. One step of weights that leave a single activation between the input and the state."""

import contextlib
import json
import sys

import numpy as np
from modules import Module
from runtimes import RUNTIMES

UNIT = 2.0**-24


def module_of(kind, x):
    """An RNN gives tanh(x); a GRU with h = 1 and a candidate of zero, σ(x) of its update gate."""
    gates = {"RNN": 1, "GRU": 3}[kind]
    zeros = lambda *shape: np.zeros(shape, np.float32)
    weight_ih = zeros(gates, 1)
    weight_ih[-2 if kind == "GRU" else 0] = 1
    weights = {"weight_ih_l0": weight_ih, "weight_hh_l0": zeros(gates, 1), "bias_ih_l0": zeros(gates), "bias_hh_l0": zeros(gates)}
    states = np.full((1, len(x), 1), kind == "GRU", np.float32)
    return Module(kind, "tanh", 1, 1, 1, 1, 1, len(x), True, "", weights, x[None, :, None], states, np.zeros_like(states))


def errors(runtime, kind, x):
    with contextlib.redirect_stdout(sys.stderr):
        got = np.asarray(runtime.run(module_of(kind, x))[0], np.float64).ravel()
    wide = x.astype(np.float64)
    exact = np.tanh(wide) if kind == "RNN" else 1 / (1 + np.exp(-wide))
    return (got - exact) / UNIT, exact


def main():
    draw = np.random.default_rng(0)
    x = np.concatenate([draw.uniform(-0.1, 0.1, 1000), draw.uniform(-2, 2, 2000), draw.uniform(-9, 9, 2000)]).astype(np.float32)
    size = abs(x)
    for name in sys.argv[1:]:
        runtime, found = RUNTIMES[name], {}
        with np.errstate(all="ignore"):
            if runtime.can(module_of("RNN", x)):
                off, exact = errors(runtime, "RNN", x)
                ranges = [size < 0.1, (size >= 0.1) & (size <= 2), size > 2]
                found["tanh"] = [float(abs(off[here]).max()) for here in ranges]
                found["relative"] = float(abs(off / exact)[ranges[0]].max())
            off, _ = errors(runtime, "GRU", x)
            found["sigmoid"] = [float(abs(off[x < 0]).max()), float(abs(off[x > 0]).max())]
        print(json.dumps({"runtime": name, **found}), flush=True)


main()
