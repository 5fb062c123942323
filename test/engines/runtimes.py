"""The runtimes: what each computes of a module, and in which precision. A runtime is imported when it is used."""

import ctypes
import functools
import pathlib
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Callable

import numpy as np
from libraries import by_equinox, by_flax, by_keras, by_litert
from modules import GATES, of_layers, suffixes
from node_runtimes import by_onnxruntime_in_node, by_tfjs

F32 = np.float32


@dataclass
class Runtime:
    run: Callable
    # What its values are rounded to inside: float32 for an honest port of float32.
    precision: str = "float32"
    can: Callable = lambda module: True


# ---- numpy, with other ways to write tanh ----------------------------------------------------------------------------


def sigmoid(x):
    return F32(1) / (F32(1) + np.exp(-x))


TANH = {
    "tanh": np.tanh,
    "2 sigmoid - 1": lambda x: F32(2) * sigmoid(F32(2) * x) - F32(1),
    "(e - 1) / (e + 1)": lambda x: (np.exp(F32(2) * np.minimum(x, F32(40))) - F32(1)) / (np.exp(F32(2) * np.minimum(x, F32(40))) + F32(1)),
    "1 - 2 / (e + 1)": lambda x: F32(1) - F32(2) / (np.exp(F32(2) * np.minimum(x, F32(40))) + F32(1)),
    "(1 - e) / (1 + e)": lambda x: (F32(1) - np.exp(F32(-2) * np.maximum(x, F32(-40)))) / (F32(1) + np.exp(F32(-2) * np.maximum(x, F32(-40)))),
}


def by_numpy(tanh, operand=lambda a: a, state=lambda a: a):
    """One direction, step by step; `operand` rounds what is multiplied, `state` what is stored."""

    def direction(module, weights, x, h, c):
        w, r, bw, br = weights
        w, r, x = operand(w), operand(r), operand(x)
        size = module.hidden_size
        ys = []
        for x_t in x:
            i, j = x_t @ w.T + bw, operand(h) @ r.T + br
            if module.kind == "RNN":
                h = np.maximum(i + j, F32(0)) if module.nonlinearity == "relu" else tanh(i + j)
            elif module.kind == "GRU":
                rt, z = sigmoid(i[:, :size] + j[:, :size]), sigmoid(i[:, size : 2 * size] + j[:, size : 2 * size])
                n = tanh(i[:, 2 * size :] + rt * j[:, 2 * size :])
                h = (F32(1) - z) * n + z * h
            else:
                a = i + j
                gate = lambda k: a[:, k * size : (k + 1) * size]
                c = sigmoid(gate(1)) * c + sigmoid(gate(0)) * tanh(gate(2))
                h = sigmoid(gate(3)) * tanh(c)
            h = state(h)
            ys.append(h)
        return np.stack(ys), h, c

    return lambda module: of_layers(module, direction)


def to_float16(a):
    return a.astype(np.float16).astype(F32)


def to_tf32(a):
    """Eleven bits, rounded to nearest, as a GPU's tensor cores take operands."""
    bits = np.ascontiguousarray(a, F32).view(np.uint32)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & np.uint32(0xFFFFE000)).view(F32)


# ---- C --------------------------------------------------------------------------------------------------------------


@functools.cache
def c_library(tanh):
    folder = pathlib.Path(tempfile.mkdtemp())
    source = pathlib.Path(__file__).with_name("cells.c")
    library = folder / "cells.so"
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", f"-DTANH_{tanh.upper()}", str(source), "-o", str(library), "-lm"], check=True
    )
    return ctypes.CDLL(str(library))


def by_c(tanh):
    def direction(module, weights, x, h, c):
        library = c_library(tanh)
        steps, batch, inputs = x.shape
        y = np.empty((steps, batch, module.hidden_size), F32)
        h, c = h.copy(), c.copy()
        pointer = lambda a: np.ascontiguousarray(a).ctypes.data_as(ctypes.c_void_p)
        kind = {"RNN": 0, "GRU": 1, "LSTM": 2}[module.kind] if module.nonlinearity == "tanh" else 3
        kept = [np.ascontiguousarray(a) for a in (*weights, x)]
        library.run(kind, steps, batch, inputs, module.hidden_size, *map(pointer, kept), pointer(h), pointer(c), pointer(y))
        return y, h, c

    return lambda module: of_layers(module, direction)


# ---- PyTorch --------------------------------------------------------------------------------------------------------


def torch_module(module):
    import torch

    options = {"nonlinearity": module.nonlinearity} if module.kind == "RNN" else {}
    made = getattr(torch.nn, module.kind)(
        module.input_size, module.hidden_size, module.layers, bidirectional=module.ways == 2, **options
    ).eval()
    made.load_state_dict({name: torch.from_numpy(w) for name, w in module.weights.items()})
    return made


def by_torch(dtype="float32", onednn=True, autocast=None, keep_weights=False, keep_dtype=False, biases=True, quantised=False):
    """`autocast`: its dtype; `keep_weights`: they alone are rounded; `keep_dtype`: the outputs stay in 16 bits."""

    def run(module):
        import torch

        made = torch_module(module)
        to = getattr(torch, dtype)
        if quantised:
            # The module itself is not replaced, only what is in it.
            made = torch.ao.quantization.quantize_dynamic(torch.nn.ModuleList([made]), {type(made)}, dtype=torch.float16)[0]
            to = torch.float32
        elif keep_weights:
            with torch.no_grad():
                for name, p in made.named_parameters():
                    if biases or name.startswith("weight"):
                        p.copy_(p.to(to).float())
            to = torch.float32
        else:
            made = made.to(to)
        given = [torch.from_numpy(a).to(to) for a in (module.x, module.h_0, module.c_0)]
        state = (given[1], given[2]) if module.kind == "LSTM" else given[1]
        cast = torch.autocast("cpu", dtype=getattr(torch, autocast or "bfloat16"), enabled=autocast is not None)
        with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=onednn), cast:
            output, state = made(given[0], state)
        h_n, c_n = state if module.kind == "LSTM" else (state, None)
        return [a if a is None else a.float().numpy() for a in (output, h_n, c_n)]

    return run


# ---- ONNX Runtime ---------------------------------------------------------------------------------------------------

# ONNX_ORDER[kind][k]: the position in PyTorch of block k of ONNX.
ONNX_ORDER = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 3, 1, 2]}


def onnx_operator(module, k, dtype="float32", weights_dtype=None):
    """A graph with one operator for layer k."""
    from onnx import TensorProto, helper, numpy_helper

    kind, ends = module.kind, suffixes(module)[k]
    blocks = lambda name, end: np.concatenate([np.split(module.weights[name + end], GATES[kind])[i] for i in ONNX_ORDER[kind]])
    stacked = lambda name: np.stack([blocks(name, end) for end in ends])
    values = {"W": stacked("weight_ih"), "R": stacked("weight_hh"), "B": np.concatenate([stacked("bias_ih"), stacked("bias_hh")], 1)}
    if weights_dtype:
        values = {name: a.astype(weights_dtype).astype(F32) for name, a in values.items()}
    names = ["X", "W", "R", "B", "", "h"] + (["c"] if kind == "LSTM" else [])
    options = {"hidden_size": module.hidden_size, "direction": "bidirectional" if module.ways == 2 else "forward"}
    if kind == "GRU":
        options["linear_before_reset"] = 1
    if kind == "RNN":
        options["activations"] = [module.nonlinearity.capitalize()] * module.ways
    outputs = ["Y", "Yh"] + (["Yc"] if kind == "LSTM" else [])
    of = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}[dtype]
    state = [module.ways, module.batch, module.hidden_size]
    shapes = {"X": [module.steps, module.batch, module.hidden_size * module.ways if k else module.input_size]}
    info = lambda name: helper.make_tensor_value_info(name, of, shapes.get(name, state))
    graph = helper.make_graph(
        [helper.make_node(kind, names, outputs, **options)],
        "port",
        [info(name) for name in ("X", "h", "c")[: 3 if kind == "LSTM" else 2]],
        [helper.make_tensor_value_info(name, of, None) for name in outputs],
        [numpy_helper.from_array(a.astype(dtype), name) for name, a in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def by_onnxruntime(dtype="float32", weights_dtype=None):
    def run(module):
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)
        x, h_n, c_n = module.x.astype(dtype), [], []
        for k in range(module.layers):
            model = onnx_operator(module, k, dtype, weights_dtype)
            session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            rows = slice(k * module.ways, (k + 1) * module.ways)
            given = {"X": x, "h": module.h_0[rows].astype(dtype)}
            if module.kind == "LSTM":
                given["c"] = module.c_0[rows].astype(dtype)
            y, h, *c = session.run(None, given)
            x = y.transpose(0, 2, 1, 3).reshape(module.steps, module.batch, -1)
            h_n.append(h)
            c_n += c
        return [a.astype(F32) for a in (x, np.concatenate(h_n))] + [np.concatenate(c_n).astype(F32) if c_n else None]

    return run


def by_onnx_nodes(module):
    """ONNX Runtime with a plain node for every operation."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    onnxruntime.set_default_logger_severity(4)
    size, kind = module.hidden_size, module.kind

    @functools.cache
    def session_of(end):
        nodes, constants = [], []
        constant = lambda name, a: constants.append(numpy_helper.from_array(np.ascontiguousarray(a, F32), name)) or name
        count = [0]

        def op(name, *inputs, **options):
            count[0] += 1
            out = f"v{count[0]}"
            nodes.append(helper.make_node(name, list(inputs), [out], **options))
            return out

        w = {name: module.weights[name + end] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        part = lambda k, side, v: op(
            "Add",
            op("MatMul", v, constant(f"{side}{k}w", w[f"weight_{side}"][k * size : (k + 1) * size].T)),
            constant(f"{side}{k}b", w[f"bias_{side}"][k * size : (k + 1) * size]),
        )
        added = lambda k: op("Add", part(k, "ih", "x"), part(k, "hh", "h"))
        if kind == "RNN":
            h, c = op("Relu" if module.nonlinearity == "relu" else "Tanh", added(0)), None
        elif kind == "GRU":
            r, z = op("Sigmoid", added(0)), op("Sigmoid", added(1))
            n = op("Tanh", op("Add", part(2, "ih", "x"), op("Mul", r, part(2, "hh", "h"))))
            h, c = op("Add", op("Mul", op("Sub", constant("one", np.float32(1)), z), n), op("Mul", z, "h")), None
        else:
            i, f, g, o = (op("Tanh" if k == 2 else "Sigmoid", added(k)) for k in range(4))
            c = op("Add", op("Mul", f, "c"), op("Mul", i, g))
            h = op("Mul", o, op("Tanh", c))
        info = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        graph = helper.make_graph(
            nodes, "step", [info(name) for name in ("x", "h", "c")], [info(name) for name in ([h, c] if c else [h])], constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    ends = iter([end for layer in suffixes(module) for end in layer])

    def direction(_, weights, x, h, c):
        session, ys = session_of(next(ends)), []
        for x_t in x:
            h, *rest = session.run(None, {"x": x_t, "h": h, "c": c})
            c = rest[0] if rest else c
            ys.append(h)
        return np.stack(ys), h, c

    return of_layers(module, direction)


# ---- OpenVINO -------------------------------------------------------------------------------------------------------


def by_openvino(hint):
    def run(module):
        import openvino

        core = openvino.Core()
        x, h_n, c_n = module.x, [], []
        for k in range(module.layers):
            model = core.read_model(onnx_operator(module, k).SerializeToString())
            compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint})
            rows = slice(k * module.ways, (k + 1) * module.ways)
            given = {"X": x, "h": module.h_0[rows]}
            if module.kind == "LSTM":
                given["c"] = module.c_0[rows]
            y, h, *c = list(compiled(given).values())
            x = np.asarray(y).transpose(0, 2, 1, 3).reshape(module.steps, module.batch, -1)
            h_n.append(np.asarray(h))
            c_n += [np.asarray(a) for a in c]
        return x, np.concatenate(h_n), np.concatenate(c_n) if c_n else None

    return run


# ---- JAX and TensorFlow: their own functions in the cell's equations -------------------------------------------------


def cell_of(module, matmul, sigmoid, tanh, relu):
    size = module.hidden_size

    def cell(w, r, bw, br, x, h, c):
        i, j = matmul(x, w) + bw, matmul(h, r) + br
        at = lambda a, k: a[:, k * size : (k + 1) * size]
        if module.kind == "RNN":
            return (relu if module.nonlinearity == "relu" else tanh)(i + j), c
        if module.kind == "GRU":
            rt, z = sigmoid(at(i, 0) + at(j, 0)), sigmoid(at(i, 1) + at(j, 1))
            n = tanh(at(i, 2) + rt * at(j, 2))
            return (1 - z) * n + z * h, c
        a = i + j
        c = sigmoid(at(a, 1)) * c + sigmoid(at(a, 0)) * tanh(at(a, 2))
        return sigmoid(at(a, 3)) * tanh(c), c

    return cell


def by_jax(module):
    import jax
    import jax.numpy as jnp

    cell = cell_of(module, lambda a, w: a @ w.T, jax.nn.sigmoid, jnp.tanh, jax.nn.relu)

    def direction(_, weights, x, h, c):
        def step(carry, x_t):
            h, c = cell(*weights, x_t, *carry)
            return (h, c), h

        (h, c), y = jax.jit(lambda x, h, c: jax.lax.scan(step, (h, c), x))(x, h, c)
        return np.asarray(y), np.asarray(h), np.asarray(c)

    return of_layers(module, direction)


def by_tensorflow(module):
    import tensorflow as tf

    cell = cell_of(module, lambda a, w: tf.linalg.matmul(a, w, transpose_b=True), tf.sigmoid, tf.tanh, tf.nn.relu)

    def direction(_, weights, x, h, c):
        ys = []
        for x_t in x:
            h, c = cell(*weights, tf.constant(x_t), h, c)
            ys.append(h.numpy())
        return np.stack(ys), np.asarray(h), np.asarray(c)

    return of_layers(module, direction)


not_relu = lambda module: module.nonlinearity == "tanh"
lstm_alone = lambda module: module.kind == "LSTM"

RUNTIMES = {
    "torch": Runtime(by_torch()),
    "torch without oneDNN": Runtime(by_torch(onednn=False)),
    "onnxruntime": Runtime(by_onnxruntime()),
    "onnxruntime nodes": Runtime(by_onnx_nodes),
    "openvino f32": Runtime(by_openvino("f32")),
    "jax": Runtime(by_jax),
    "flax": Runtime(by_flax),
    "equinox": Runtime(by_equinox, can=lambda module: module.kind != "RNN"),
    "tensorflow": Runtime(by_tensorflow),
    "keras": Runtime(by_keras),
    "litert": Runtime(by_litert(cell_of)),
    "onnxruntime-node": Runtime(by_onnxruntime_in_node("onnxruntime-node", onnx_operator)),
    "onnxruntime-web": Runtime(by_onnxruntime_in_node("onnxruntime-web", onnx_operator)),
    "tfjs cpu": Runtime(by_tfjs("cpu")),
    "tfjs wasm": Runtime(by_tfjs("wasm")),
    **{f"numpy {name}": Runtime(by_numpy(tanh)) for name, tanh in TANH.items()},
    **{f"c {name}": Runtime(by_c(name)) for name in ("tanhf", "sigmoid", "fraction", "difference", "negative")},
    # Lower precision inside, stored as float32.
    "openvino bf16": Runtime(by_openvino("bf16"), "bfloat16"),
    "torch autocast bfloat16": Runtime(by_torch(autocast="bfloat16"), "bfloat16"),
    "torch autocast float16": Runtime(by_torch(autocast="float16", onednn=False), "float16"),
    "torch bfloat16": Runtime(by_torch("bfloat16"), "bfloat16", not_relu),
    "torch float16": Runtime(by_torch("float16", onednn=False), "float16", not_relu),
    "torch float16 weights": Runtime(by_torch("float16", keep_weights=True), "float16 weights"),
    "torch float16 weights without biases": Runtime(by_torch("float16", keep_weights=True, biases=False), "float16 weights"),
    "torch bfloat16 weights": Runtime(by_torch("bfloat16", keep_weights=True), "bfloat16 weights"),
    "torch dynamic float16": Runtime(by_torch(quantised=True), "float16 weights", lstm_alone),
    "onnxruntime float16": Runtime(by_onnxruntime("float16"), "float16"),
    "onnxruntime float16 weights": Runtime(by_onnxruntime(weights_dtype="float16"), "float16 weights"),
    "numpy tf32": Runtime(by_numpy(np.tanh, operand=to_tf32), "tf32"),
    "numpy float16 state": Runtime(by_numpy(np.tanh, state=to_float16), "float16"),
}
