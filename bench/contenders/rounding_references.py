"""Makes reference outputs with PyTorch and onnxruntime, to test how cellcheck judges their rounding:

    rounding_references.py FOLDER SEED COUNT SET

writes COUNT cases as safetensors files into FOLDER and prints a line of JSON for each. SET is one of

    runtimes  every kind; float32, float16 and bfloat16; oneDNN on and off, and onnxruntime; weights × 1, 3, 10; up to
              1,000 steps
    faults    one layer in float32, in which the caller changes one weight
    weights   the same for diagnosing that weight: 8 or 64 units, 100 steps, one batch row
"""

import json
import random
import sys
import warnings

import numpy as np
import torch
from safetensors.torch import save_file

folder, seed, count, which = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
rng = random.Random(seed)
torch.manual_seed(seed)
warnings.filterwarnings("ignore")
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
# ONNX_ORDER[kind][k]: the position in PyTorch of block k of ONNX.
ONNX_ORDER = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 3, 1, 2]}


def runtime_case():
    kind = rng.choice(["RNN", "RNN", "GRU", "LSTM", "LSTM"])
    steps = rng.choice([1, 10, 10, 100, 100, 300, 1000])
    spec = {
        "kind": kind,
        "nonlinearity": rng.choice(["tanh", "tanh", "relu"]) if kind == "RNN" else "tanh",
        "hidden": rng.choice([1, 2, 8, 32, 64] if steps > 100 else [1, 2, 8, 32, 64, 128]),
        "input": rng.choice([1, 5, 16]),
        "layers": rng.choice([1, 1, 2]),
        "bidirectional": rng.random() < 0.3,
        "steps": steps,
        "batch": rng.choice([1, 2, 4]),
        "scale": rng.choice([1, 3, 10]),
        "runtime": rng.choice(["oneDNN", "oneDNN", "native", "native", "onnxruntime"]),
        "dtype": rng.choice(["float32", "float32", "float32", "float16", "bfloat16"]),
        "states": True,
    }
    if spec["runtime"] == "onnxruntime":
        spec.update(dtype="float32", layers=1)
    return spec


def fault_case():
    return {
        "kind": rng.choice(["RNN", "GRU", "LSTM"]),
        "nonlinearity": "tanh",
        "hidden": rng.choice([1, 8, 64]),
        "input": 5,
        "layers": 1,
        "bidirectional": False,
        "steps": rng.choice([20, 200]),
        "batch": 4,
        "scale": rng.choice([1, 3, 10]),
        "runtime": rng.choice(["oneDNN", "native"]),
        "dtype": "float32",
        "states": True,
    }


def weight_case():
    return {**fault_case(), "hidden": rng.choice([8, 64]), "steps": 100, "batch": 1, "scale": 1}


CASES = {"runtimes": runtime_case, "faults": fault_case, "weights": weight_case}


def make(spec):
    kind = spec["kind"]
    options = {"nonlinearity": spec["nonlinearity"]} if kind == "RNN" else {}
    module = getattr(torch.nn, kind)(
        spec["input"], spec["hidden"], spec["layers"], bidirectional=spec["bidirectional"], **options
    ).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(spec["scale"])
    dtype = getattr(torch, spec["dtype"])
    module = module.to(dtype)
    x = torch.randn(spec["steps"], spec["batch"], spec["input"]).to(dtype)
    rows = spec["layers"] * (2 if spec["bidirectional"] else 1)
    h_0 = torch.randn(rows, spec["batch"], spec["hidden"]).mul(0.5).to(dtype)
    c_0 = torch.randn(rows, spec["batch"], spec["hidden"]).mul(0.5).to(dtype)
    return module, x, h_0, c_0


def by_torch(spec, module, x, h_0, c_0):
    with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=spec["runtime"] == "oneDNN"):
        output, state = module(x, (h_0, c_0) if spec["kind"] == "LSTM" else h_0)
    h_n, c_n = state if spec["kind"] == "LSTM" else (state, None)
    return output, h_n, c_n


def by_onnxruntime(spec, module, x, h_0, c_0):
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    kind = spec["kind"]
    ways = ["", "_reverse"] if spec["bidirectional"] else [""]

    def of(name, way):
        blocks = getattr(module, f"{name}_l0{way}").detach().chunk(GATES[kind])
        return torch.cat([blocks[i] for i in ONNX_ORDER[kind]])

    stacked = lambda name: torch.stack([of(name, way) for way in ways])
    values = {
        "W": stacked("weight_ih"),
        "R": stacked("weight_hh"),
        "B": torch.cat([stacked("bias_ih"), stacked("bias_hh")], 1),
        "h": h_0,
        **({"c": c_0} if kind == "LSTM" else {}),
    }
    constants = [numpy_helper.from_array(value.numpy(), name) for name, value in values.items()]
    options = {"hidden_size": spec["hidden"], "direction": "bidirectional" if len(ways) == 2 else "forward"}
    if kind == "GRU":
        options["linear_before_reset"] = 1
    if kind == "RNN":
        options["activations"] = ["Relu" if spec["nonlinearity"] == "relu" else "Tanh"] * len(ways)
    outputs = ["Y", "Yh"] + (["Yc"] if kind == "LSTM" else [])
    node = helper.make_node(kind, ["x", "W", "R", "B", "", "h"] + (["c"] if kind == "LSTM" else []), outputs, **options)
    info = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "reference", [info("x")], [info(name) for name in outputs], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y, h_n, *c_n = [torch.from_numpy(np.array(value)) for value in session.run(None, {"x": x.numpy()})]
    # Y is [T, D, B, H].
    output = y.permute(0, 2, 1, 3).reshape(spec["steps"], spec["batch"], -1)
    return output, h_n, c_n[0] if c_n else None


for number in range(count):
    spec = CASES[which]()
    module, x, h_0, c_0 = make(spec)
    compute = by_onnxruntime if spec["runtime"] == "onnxruntime" else by_torch
    output, h_n, c_n = compute(spec, module, x, h_0, c_0)
    tensors = {**module.state_dict(), "input": x, "h_0": h_0, "output": output, "h_n": h_n}
    if spec["kind"] == "LSTM":
        tensors.update(c_0=c_0, c_n=c_n)
    file = f"{folder}/{number}.safetensors"
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, file)
    print(json.dumps({**spec, "file": file}), flush=True)
