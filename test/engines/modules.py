"""Random recurrent modules and inputs, the same ones for the same seed: `base` as PyTorch draws them and three times as
large, `hard` from 0.1 to 30 times as large, with inputs from 1e-8 to 30, saturated, tiny and standing still."""

import math
import random
from dataclasses import dataclass, field

import numpy as np

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


@dataclass
class Module:
    kind: str
    nonlinearity: str
    input_size: int
    hidden_size: int
    layers: int
    ways: int
    steps: int
    batch: int
    states: bool
    what: str
    # By PyTorch's names.
    weights: dict = field(repr=False, default_factory=dict)
    x: np.ndarray = field(repr=False, default=None)
    h_0: np.ndarray = field(repr=False, default=None)
    c_0: np.ndarray = field(repr=False, default=None)


def log_uniform(choose, smallest, largest):
    return int(math.exp(choose.uniform(math.log(smallest), math.log(largest + 0.999))))


def suffixes(module):
    return [[f"_l{k}{way}" for way in ("", "_reverse")[: module.ways]] for k in range(module.layers)]


def random_module(which, seed, hidden_size=None):
    choose = random.Random(f"{which} {seed}")
    draw = np.random.default_rng([seed, which == "hard"])
    kind = choose.choice(["RNN", "RNN", "GRU", "LSTM"])
    module = Module(
        kind=kind,
        nonlinearity=choose.choice(["tanh", "tanh", "tanh", "relu"]) if kind == "RNN" else "tanh",
        input_size=log_uniform(choose, 1, 40),
        hidden_size=hidden_size or log_uniform(choose, 1, 130),
        layers=choose.choice([1, 1, 1, 2]),
        ways=choose.choice([1, 1, 1, 2]),
        steps=choose.choice([1, 5, 30, 30, 100]),
        batch=choose.choice([1, 1, 2, 4]),
        states=choose.random() < 0.5,
        what="",
    )
    if which == "base":
        gain, size = choose.choice([1, 3]), 1.0
        module.what = f"weights x {gain}"
    else:
        gain, size = choose.choice([0.1, 0.3, 1, 3, 10, 30]), 10 ** choose.uniform(-8, 1.5)
        module.what = choose.choice(["any", "any", "saturated", "tiny", "still"])
    if module.nonlinearity == "relu" and gain > 3:
        gain = 1
    width = 1 / math.sqrt(module.hidden_size)
    uniform = lambda *shape: draw.uniform(-width, width, shape) * gain
    rows = GATES[kind] * module.hidden_size
    for k, ends in enumerate(suffixes(module)):
        columns = module.hidden_size * module.ways if k else module.input_size
        for end in ends:
            module.weights[f"weight_ih{end}"] = uniform(rows, columns)
            module.weights[f"weight_hh{end}"] = uniform(rows, module.hidden_size)
            module.weights[f"bias_ih{end}"] = uniform(rows)
            module.weights[f"bias_hh{end}"] = uniform(rows)
    x = draw.standard_normal((module.steps, module.batch, module.input_size)) * size
    states = (module.layers * module.ways, module.batch, module.hidden_size)
    h_0, c_0 = draw.standard_normal(states) * 0.3, draw.standard_normal(states) * 0.3
    if module.what == "still":
        x[:] = x[0]
    if module.what == "tiny":
        x, h_0, c_0 = x * 1e-3, h_0 * 1e-3, c_0 * 1e-3
        module.weights = {name: w * (1e-3 if name.startswith("bias") else 1) for name, w in module.weights.items()}
    if module.what == "saturated":
        for name in module.weights:
            if name.startswith("bias_ih"):
                module.weights[name] += draw.choice([-8, -4, 4, 8], rows)
    single = lambda a: np.ascontiguousarray(a, dtype=np.float32)
    module.weights = {name: single(w) for name, w in module.weights.items()}
    module.x, module.h_0, module.c_0 = single(x), single(h_0), single(c_0)
    if not module.states:
        module.h_0, module.c_0 = np.zeros_like(module.h_0), np.zeros_like(module.c_0)
    return module


def of_layers(module, direction):
    """Runs the layers with `direction(weights, x, h_0, c_0)` for a single one; x is turned round for the reverse one."""
    x, h_n, c_n = module.x, [], []
    for ends in suffixes(module):
        outputs = []
        for way, end in enumerate(ends):
            at = len(h_n)
            weights = [module.weights[f"{name}{end}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            y, h, c = direction(module, weights, x[::-1].copy() if way else x, module.h_0[at], module.c_0[at])
            outputs.append(y[::-1] if way else y)
            h_n.append(h)
            c_n.append(c)
        x = np.concatenate(outputs, axis=2)
    return x, np.stack(h_n), np.stack(c_n) if module.kind == "LSTM" else None
