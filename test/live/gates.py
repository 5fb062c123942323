"""Compares what `cellcheck inspect --save` writes for random recurrent modules with states and gates that PyTorch's
operations compute from the state_dict, step by step in float64.

    python gates.py make OUT SEED COUNT    writes COUNT cases N.safetensors into OUT, without expected outputs
    python gates.py check OUT              reads N.saved.safetensors and prints a line of JSON for each case
    python gates.py formats OUT LAYOUT     checks that saved.safetensors, saved.json and saved.csv agree; LAYOUT is
                                           batch_first or time_first
"""

import csv
import json
import pathlib
import pickle
import random
import sys
import warnings

import numpy
import torch
from random_modules import RandomCase, export_case
from safetensors.numpy import load_file

NAMES = {"RNN": [], "GRU": ["r", "z", "n"], "LSTM": ["i", "f", "g", "o"]}


def cell(kind, weights, nonlinearity, x, h, c):
    """One step by the equations of PyTorch's documentation. Returns the gates by name, the new h and the new c."""
    inner = weights["weight_hh"] @ h
    outer = weights["weight_ih"] @ x
    if "bias_ih" in weights:
        inner, outer = inner + weights["bias_hh"], outer + weights["bias_ih"]
    if kind == "RNN":
        return {}, (torch.relu if nonlinearity == "relu" else torch.tanh)(outer + inner), c
    if kind == "GRU":
        (ir, iz, in_), (hr, hz, hn) = outer.chunk(3), inner.chunk(3)
        r, z = torch.sigmoid(ir + hr), torch.sigmoid(iz + hz)
        n = torch.tanh(in_ + r * hn)
        return {"r": r, "z": z, "n": n}, (1 - z) * n + z * h, c
    i, f, g, o = (outer + inner).chunk(4)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    c = f * c + i * g
    h = o * torch.tanh(c)
    if "weight_hr" in weights:
        h = weights["weight_hr"] @ h
    return {"i": i, "f": f, "g": g, "o": o}, h, c


def trace(case):
    """Every state and gate [steps, batch, size], and output, h_n and c_n, with the names and layout of cellcheck."""
    module, kind, options = case.module, case.kind, case.options
    state_dict = {name: tensor.double() for name, tensor in module.state_dict().items()}
    is_cell = type(module).__name__.endswith("Cell")
    layers = options.get("num_layers", 1)
    ways = ["", "_reverse"] if options.get("bidirectional") else [""]
    hidden, size = case.hidden_size, options.get("proj_size") or case.hidden_size
    x = case.tensors["input"].double()
    timed = not is_cell or x.dim() == 3
    batched = x.dim() == (2 if is_cell else 3) or x.dim() == 3
    if case.time:
        x = x.transpose(0, 1)
    x = x.reshape(case.steps if timed else 1, -1, x.shape[-1])
    steps, batch, _ = x.shape
    lengths = case.lengths or [steps] * batch
    initial = {}
    for state, width in (("h", size), ("c", hidden)):
        given = case.tensors.get(f"{state}_0")
        shape = [layers * len(ways), batch, width]
        initial[state] = torch.zeros(shape, dtype=torch.float64) if given is None else given.double().reshape(shape)
    result = {}
    h_n, c_n = initial["h"].clone(), initial["c"].clone()
    for layer in range(layers):
        outputs = []
        for way, suffix in enumerate(ways):
            end = "" if is_cell else f"_l{layer}{suffix}"
            weights = {
                name: state_dict[name + end]
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
                if name + end in state_dict
            }
            names = ["h", *(["c"] if kind == "LSTM" else []), *NAMES[kind]]
            parts = {
                name: torch.zeros([steps, batch, size if name == "h" else hidden], dtype=torch.float64) for name in names
            }
            index = layer * len(ways) + way
            for row in range(batch):
                h, c = h_n[index, row], c_n[index, row]
                order = range(lengths[row])
                for step in reversed(order) if suffix else order:
                    gates, h, c = cell(kind, weights, options.get("nonlinearity"), x[step, row], h, c)
                    for name, value in {"h": h, "c": c, **gates}.items():
                        if name in parts:
                            parts[name][step, row] = value
                h_n[index, row], c_n[index, row] = h, c
            for name, values in parts.items():
                result[f"layer{layer}.{'reverse' if suffix else 'forward'}.{name}"] = values
            outputs.append(parts["h"])
        x = torch.cat(outputs, -1)
    def states(tensor):
        tensor = tensor[0] if is_cell else tensor
        return tensor if batched else tensor.squeeze(-2)

    if timed:
        output = x if batched else x.squeeze(1)
        result["output"] = output.transpose(0, 1) if case.time else output
    result["h_n"] = states(h_n)
    if kind == "LSTM":
        result["c_n"] = states(c_n)
    return {name: tensor.numpy() for name, tensor in result.items()}


def make(out, seed, count):
    out.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        choose = random.Random(f"gates {seed} {number}")
        torch.manual_seed(choose.getrandbits(40))
        case = RandomCase(choose, 1)
        export_case(case.module, **case.tensors, path=out / f"{number}.safetensors", lengths=case.lengths, expected={})
        facts = {"words": case.words(), "kind": case.kind, "trace": trace(case)}
        (out / f"{number}.pickle").write_bytes(pickle.dumps(facts))


def check(out):
    for file in sorted(out.glob("*.pickle")):
        facts = pickle.loads(file.read_bytes())
        expected, saved = facts["trace"], load_file(file.with_suffix(".saved.safetensors"))
        same = set(expected) == set(saved) and all(expected[name].shape == saved[name].shape for name in expected)
        worst = max(numpy.abs(expected[name] - saved[name]).max() for name in expected) if same else None
        names = sorted(saved) if same else [sorted(expected), sorted(saved)]
        print(json.dumps({"words": facts["words"], "kind": facts["kind"], "worst": worst, "names": names}))


def formats(out):
    tensors = load_file(out / "saved.safetensors")
    documents = json.loads((out / "saved.json").read_text())
    assert list(documents) == list(tensors), (list(documents), list(tensors))
    for name, one in documents.items():
        values = numpy.array(one["data"], dtype=one["dtype"]).reshape(one["shape"])
        assert numpy.array_equal(values, tensors[name]), name
    with open(out / "saved.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(tensor.size for tensor in tensors.values())
    for row in rows:
        name, at = row["name"], [int(row[axis]) for axis in ("step", "batch", "unit") if row[axis] != ""]
        if name.endswith("_n"):
            ways = 2 if any(".reverse." in other for other in tensors) else 1
            at.insert(0, ways * int(row["layer"]) + (row["direction"] == "reverse"))
        elif name == "output" and sys.argv[3] == "batch_first":
            at[:2] = at[1::-1]
        assert tensors[name][tuple(at)] == float(row["value"]), row
    print("same")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    verb, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if verb == "make":
        make(folder, *map(int, sys.argv[3:]))
    elif verb == "check":
        check(folder)
    else:
        formats(folder)
