"""Writes ONNX models with recurrent nodes, and what ONNX Runtime makes of them, as cases.

    onnx_cases.py OUT older SEED    models of PyTorch's older exporter, torch.onnx.export(…, dynamo=False)
    onnx_cases.py OUT newer SEED    models of the newer one
    onnx_cases.py OUT built SEED    models of onnx.helper, and the node tests of the onnx package

Writes what there is to OUT/older.json, and so on.
"""

import copy
import itertools
import json
import multiprocessing
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented, RuntimeException
from torch import nn

STATES = ("h_0", "c_0")
OUTPUTS = ("output", "h_n", "c_n")
RECURRENT = ("RNN", "GRU", "LSTM")


class Inside(nn.Module):
    """A module that has another by some name, and calls it."""

    def __init__(self, name, module):
        super().__init__()
        self.add_module(name, module)

    def forward(self, *args):
        (module,) = self.children()
        return module(*args)


class Recurrent(nn.Module):
    """A recurrent module, somewhere deep inside, with its states as further inputs."""

    def __init__(self, module, path):
        super().__init__()
        for name in reversed(path):
            module = Inside(name, module)
        self.add_module(path[0], module.get_submodule(path[0]))

    def forward(self, x, *state):
        (module,) = self.children()
        args = (x, state if len(state) == 2 else state[0]) if state else (x,)
        output, after = module(*args)
        return (output, *after) if isinstance(after, tuple) else (output, after)


class Two(nn.Module):
    """Two recurrent modules, of which each output is known."""

    def __init__(self, first, second, between=None):
        super().__init__()
        self.first, self.second, self.between = first, second, between or nn.Identity()

    def forward(self, x):
        y, _ = self.first(x)
        return (y, self.second(self.between(y))[0])


def run(path, inputs, otherwise):
    """What ONNX Runtime computes; what PyTorch does, where the former has no kernel for the dtype."""
    try:
        return runtime(path, [tensor.numpy() for tensor in inputs]), True
    except (NotImplemented, RuntimeException) as error:
        if inputs[0].dtype == torch.float32:
            raise
        print(path, error)
        return [tensor.numpy() for tensor in otherwise], False


def runtime(model, inputs):
    """The outputs for inputs in the model's order, or by their names."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    if not isinstance(inputs, dict):
        inputs = dict(zip((one.name for one in session.get_inputs()), inputs))
    return session.run(None, inputs)


def write_case(folder, inputs, outputs, prefix=None, **more):
    """The inputs, and a case.json; arrays by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "input.npz", **inputs)
    np.savez(folder / "expected.npz", **outputs)
    case = {"weights": "model.onnx", "input": "input.npz", "expected": "expected.npz", **more}
    if prefix is not None:
        case["prefix"] = prefix
    (folder / "case.json").write_text(json.dumps(case))


def export(folder, model, inputs, dynamo, dynamic=False, **options):
    folder.mkdir(parents=True)
    names = ["input", *STATES][: len(inputs)]
    if dynamic and dynamo:
        # Of the states the second axis is the batch.
        x = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
        states = tuple({1: torch.export.Dim.AUTO} for _ in inputs[1:])
        options["dynamic_shapes"] = (x, *([states] if states else []))
    elif dynamic:
        options["dynamic_axes"] = {"input": {0: "first", 1: "second"}, **{name: {1: "batch"} for name in names[1:]}}
    torch.onnx.export(model, tuple(inputs), folder / "model.onnx", input_names=names, dynamo=dynamo, verbose=False, **options)
    torch.save(model.state_dict(), folder / "weights.pt")
    return names


def spoil(folder):
    """The same case in another folder, with one other number in the weights of a recurrent node, which matters."""
    wrong = folder.parent.parent / "wrong" / folder.name
    wrong.mkdir(parents=True)
    for name in ("case.json", "input.npz", "expected.npz", "weights.pt"):
        (wrong / name).write_bytes((folder / name).read_bytes())
    original = onnx.load(folder / "model.onnx")
    inputs, expected = (list(np.load(folder / name).values()) for name in ("input.npz", "expected.npz"))
    for _ in range(20):
        model = copy.deepcopy(original)
        node = choose([node for node in model.graph.node if node.op_type in RECURRENT])
        stored = {tensor.name: tensor for tensor in model.graph.initializer}
        tensor = stored[choose([name for name in node.input[1:4] if name in stored])]
        array = numpy_helper.to_array(tensor).copy()
        array.reshape(-1)[choose(range(array.size))] += 0.2
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        # A unit of relu may be zero whatever its weights are.
        outputs = runtime(model.SerializeToString(), inputs)
        if max(abs(ours - theirs).max() for ours, theirs in zip(outputs, expected)) > 1e-3:
            break
    onnx.save(model, wrong / "model.onnx")
    return str(wrong)


def random_states(module, batch, dtype):
    rows = module.num_layers * (2 if module.bidirectional else 1)
    count = 2 if isinstance(module, nn.LSTM) else 1
    return [torch.rand(rows, batch, module.hidden_size, dtype=dtype) * 2 - 1 for _ in range(count)]


STEPS, BATCH, INPUT, HIDDEN = 5, 2, 3, 4


def recurrent_case(folder, module, dynamo, states=False, path=("rnn",), dtype=torch.float32, **options):
    """A case of an exported module, or why there is none."""
    model = Recurrent(module.to(dtype), path).eval()
    shape = (BATCH, STEPS, INPUT) if module.batch_first else (STEPS, BATCH, INPUT)
    inputs = [torch.randn(shape, dtype=dtype), *(random_states(module, BATCH, dtype) if states else [])]
    names = export(folder, model, inputs, dynamo, **options)
    with torch.no_grad():
        truth = model(*inputs)
    outputs, ran = run(folder / "model.onnx", inputs, truth)
    for ours, theirs in zip(outputs, truth):
        assert np.allclose(ours, theirs.numpy(), atol=1e-2 if dtype == torch.float16 else 1e-4), folder
    write_case(folder, dict(zip(names, (x.numpy() for x in inputs))), dict(zip(OUTPUTS, outputs)))
    kinds = [node.op_type for node in onnx.load(folder / "model.onnx").graph.node]
    return {
        "folder": str(folder),
        "unrolled": not any(kind in RECURRENT for kind in kinds),
        "ran": ran,
        "prefix": ".".join(path) + ".",
        "dynamo": dynamo,
    }


KINDS = {
    "tanh": lambda **options: nn.RNN(INPUT, HIDDEN, **options),
    "relu": lambda **options: nn.RNN(INPUT, HIDDEN, nonlinearity="relu", **options),
    "gru": lambda **options: nn.GRU(INPUT, HIDDEN, **options),
    "lstm": lambda **options: nn.LSTM(INPUT, HIDDEN, **options),
}
OPSETS = (9, 11, 13, 17, 20)


def choose(items):
    return items[int(torch.randint(len(items), ()))]


def older(root):
    cases, wrong = [], []
    grid = itertools.product(KINDS, (True, False), (1, 2, 3), (False, True), (False, True))
    for number, (kind, bias, layers, bidirectional, batch_first) in enumerate(grid):
        module = KINDS[kind](bias=bias, num_layers=layers, bidirectional=bidirectional, batch_first=batch_first)
        name = "-".join(
            [kind, str(layers), *(["no-bias"] if not bias else []), *(["both"] if bidirectional else [])]
            + (["batch"] if batch_first else [])
        )
        options = {
            "opset_version": OPSETS[number % len(OPSETS)],
            "states": number % 3 == 1,
            "dynamic": number % 4 >= 2,
            "do_constant_folding": number % 7 != 0,
        }
        folder = root / "exports" / f"script-{name}-{options['opset_version']}"
        cases.append(recurrent_case(folder, module, False, **options))
        if options["do_constant_folding"]:
            wrong.append(spoil(folder))
    for kind, dtype in itertools.product(KINDS, (torch.float64, torch.float16)):
        folder = root / "exports" / f"script-{kind}-{str(dtype)[6:]}"
        cases.append(recurrent_case(folder, KINDS[kind](num_layers=2), False, dtype=dtype))
    for kind in KINDS:
        folder = root / "exports" / f"script-{kind}-deep"
        path = ("encoder", "inner", "rnn")
        cases.append(recurrent_case(folder, KINDS[kind](num_layers=2, bidirectional=True), False, path=path))
    return {"cases": cases, "wrong": wrong, "two": twos(root, False)}


def newer(root):
    cases, wrong = [], []
    modules = {
        "lstm": {"module": KINDS["lstm"]()},
        "lstm-3-both": {"module": KINDS["lstm"](num_layers=3, bidirectional=True)},
        "lstm-no-bias-batch": {"module": KINDS["lstm"](bias=False, batch_first=True)},
        "lstm-2-states": {"module": KINDS["lstm"](num_layers=2), "states": True},
        "lstm-dynamic": {"module": KINDS["lstm"](batch_first=True), "dynamic": True},
        "lstm-float16": {"module": KINDS["lstm"](), "dtype": torch.float16},
        "lstm-deep": {"module": KINDS["lstm"](num_layers=2), "path": ("encoder", "inner", "rnn")},
        "lstm-inside": {"module": KINDS["lstm"](), "external_data": False, "opset_version": 21},
        "gru": {"module": KINDS["gru"]()},
        "gru-2-both": {"module": KINDS["gru"](num_layers=2, bidirectional=True), "states": True},
        "gru-no-bias-batch": {"module": KINDS["gru"](bias=False, batch_first=True, num_layers=2)},
        "tanh": {"module": KINDS["tanh"]()},
        "relu-2-both": {"module": KINDS["relu"](num_layers=2, bidirectional=True)},
    }
    for name, options in modules.items():
        folder = root / "exports" / f"dynamo-{name}"
        cases.append(recurrent_case(folder, dynamo=True, **options))
        if not cases[-1]["unrolled"] and name in ("lstm", "lstm-3-both", "gru-no-bias-batch"):
            wrong.append(spoil(folder))
    recurrent_case(root / "not-folded", KINDS["gru"](), True, optimize=False)
    return {"cases": cases, "wrong": wrong, "two": twos(root, True)}


def twos(root, dynamo):
    """Models with two recurrent modules: a case for each of them."""
    lstm = lambda size, **options: nn.LSTM(size, HIDDEN, **options)
    models = {
        "apart": Two(lstm(INPUT), nn.GRU(HIDDEN, HIDDEN), nn.Linear(HIDDEN, HIDDEN)),
        "activated": Two(lstm(INPUT), lstm(HIDDEN), nn.Tanh()),
        "other-kinds": Two(lstm(INPUT), nn.GRU(HIDDEN, 5)),
        # These could be the layers of one module, were it not for their names.
        "chained": Two(lstm(INPUT), lstm(HIDDEN)),
        "chained-stacks": Two(nn.GRU(INPUT, HIDDEN, num_layers=2), nn.GRU(HIDDEN, HIDDEN, num_layers=2)),
        # The second runs along the other axis.
        "crossed": Two(lstm(INPUT, batch_first=True), lstm(HIDDEN)),
    }
    cases = []
    for name, model in models.items():
        if dynamo and name in ("other-kinds", "activated", "chained-stacks"):
            continue
        folder = root / "two" / f"{'dynamo' if dynamo else 'script'}-{name}"
        x = torch.randn(STEPS, BATCH, INPUT)
        export(folder, model.eval(), [x], dynamo)
        middle, last = run(folder / "model.onnx", [x], [])[0]
        between = model.between(torch.from_numpy(middle)).detach().numpy()
        for prefix, given, expected, module in (
            ("first", x.numpy(), middle, model.first),
            ("second", between, last, model.second),
        ):
            inside = folder / prefix
            options = {"batch_first": module.batch_first}
            write_case(inside, {"input": given}, {"output": expected}, prefix=f"{prefix}.", **options)
            case = json.loads((inside / "case.json").read_text())
            (inside / "case.json").write_text(json.dumps({**case, "weights": "../model.onnx"}))
        cases.append({"folder": str(folder), "dynamo": dynamo})
    return cases


# Models that no exporter writes.

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def node_of(kind, weights, states=True, lengths=False, directions=1, **attributes):
    """A recurrent node from x, and the arrays that it needs beside x, with weights by the names W, R, B."""
    inputs = ["x", "W", "R", "B" if "B" in weights else "", "lengths" if lengths else ""]
    if states:
        inputs += list(STATES[: 2 if kind == "LSTM" else 1])
    outputs = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    if kind == "GRU":
        attributes = {"linear_before_reset": 1, **attributes}
    if directions == 2:
        attributes["direction"] = "bidirectional"
    return helper.make_node(kind, inputs, outputs, hidden_size=HIDDEN, **attributes)


def arrays_for(kind, directions=1, dtype=np.float32, random=None):
    rows = GATES[kind] * HIDDEN
    uniform = lambda *shape: random.uniform(-0.6, 0.6, shape).astype(dtype)
    weights = {
        "W": uniform(directions, rows, INPUT),
        "R": uniform(directions, rows, HIDDEN),
        "B": uniform(directions, 2 * rows),
    }
    inputs = {"x": random.standard_normal((STEPS, BATCH, INPUT)).astype(dtype)}
    for name in STATES[: 2 if kind == "LSTM" else 1]:
        inputs[name] = uniform(directions, BATCH, HIDDEN)
    return weights, inputs


ONNX_DTYPES = {np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE, np.float16: TensorProto.FLOAT16}


def ranked(name):
    """The shape of an output, of which only the rank is known."""
    return [None] * (4 if name.split("_")[0:2] in (["Y"], ["Y", "out"], ["Y", "all"]) else 3)


def model_of(nodes, weights, inputs, outputs, dtype=np.float32, extra_inputs=(), initializers=None):
    stored = [numpy_helper.from_array(array, name) for name, array in weights.items()] if initializers is None else initializers
    value = lambda name, shape: helper.make_tensor_value_info(name, ONNX_DTYPES[dtype], shape)
    graph = helper.make_graph(
        nodes,
        "built",
        [value(name, array.shape) for name, array in inputs.items() if name != "lengths"]
        + [helper.make_tensor_value_info("lengths", TensorProto.INT32, [BATCH])] * ("lengths" in inputs)
        + list(extra_inputs),
        [value(name, ranked(name)) for name in outputs],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def built(root):
    random = np.random.default_rng(torch.initial_seed())
    cases, refused = [], []

    def case(name, kind, model, inputs, outputs=None, feed=None, save=onnx.save, **more):
        folder = root / "built" / name
        folder.mkdir(parents=True)
        save(model, folder / "model.onnx")
        if outputs is None:
            outputs = runtime(folder / "model.onnx", {**inputs, **(feed or {})})
        names = OUTPUTS[: 3 if kind == "LSTM" else 2]
        write_case(folder, {"input" if n == "x" else n: a for n, a in inputs.items()}, dict(zip(names, outputs)), **more)
        cases.append(str(folder))

    for kind, directions in itertools.product(RECURRENT, (1, 2)):
        weights, inputs = arrays_for(kind, directions, random=random)
        names = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
        node = node_of(kind, weights, directions=directions)
        plain = model_of([node], weights, inputs, names)
        case(f"{kind}-{directions}", kind, plain, inputs)

        lengths = {**inputs, "lengths": np.array([5, 3], np.int32)}
        case(f"{kind}-{directions}-lengths", kind, model_of([node_of(kind, weights, lengths=True, directions=directions)], weights, lengths, names), lengths)

        external = lambda model, path: onnx.save(model, path, save_as_external_data=True, size_threshold=0, location="weights.bin")
        case(f"{kind}-{directions}-external", kind, copy.deepcopy(plain), inputs, save=external)
        apart = lambda model, path: onnx.save(
            model, path, save_as_external_data=True, size_threshold=0, all_tensors_to_one_file=False
        )
        case(f"{kind}-{directions}-external-each", kind, copy.deepcopy(plain), inputs, save=apart)

        # Numbers that are listed one by one, and weights that are Constant nodes.
        listed = [helper.make_tensor(n, TensorProto.FLOAT, a.shape, a.reshape(-1)) for n, a in weights.items()]
        case(f"{kind}-{directions}-listed", kind, model_of([node], weights, inputs, names, initializers=listed), inputs)
        constants = [helper.make_node("Constant", [], [n], value=numpy_helper.from_array(a)) for n, a in weights.items()]
        case(f"{kind}-{directions}-constants", kind, model_of([*constants, node], {}, inputs, names), inputs)

        # 16-bit weights that are converted, and 16-bit models, which ONNX Runtime has no kernels for.
        half = {n: a.astype(np.float16) for n, a in weights.items()}
        casts = [helper.make_node("Cast", [f"{n}16"], [n], to=TensorProto.FLOAT) for n in half]
        model = model_of([*casts, node], {f"{n}16": a for n, a in half.items()}, inputs, names)
        case(f"{kind}-{directions}-cast", kind, model, inputs)
        listed = [
            helper.make_tensor(f"{n}16", TensorProto.FLOAT16, a.shape, a.reshape(-1)) for n, a in half.items()
        ]
        case(f"{kind}-{directions}-cast-listed", kind, model_of([*casts, node], {}, inputs, names, initializers=listed), inputs)
        narrow = {n: a.astype(np.float16) for n, a in inputs.items()}
        model = model_of([node], half, narrow, names, np.float16)
        wide = model_of([node], {n: a.astype(np.float32) for n, a in half.items()}, inputs, names)
        exact = onnx_outputs(wide, {n: a.astype(np.float32) for n, a in narrow.items()})
        case(f"{kind}-{directions}-float16", kind, model, narrow, [a.astype(np.float16) for a in exact])

        # Batch first, which ONNX Runtime does not compute: the same numbers in the other order.
        outputs = onnx_outputs(plain, inputs)
        swapped = {n: a.swapaxes(0, 1) for n, a in inputs.items()}
        batchwise = model_of([node_of(kind, weights, directions=directions, layout=1)], weights, swapped, names)
        data = [outputs[0].transpose(2, 0, 1, 3), *(a.swapaxes(0, 1) for a in outputs[1:])]
        folder = root / "data" / f"{kind}-{directions}-batchwise"
        write_data(folder, batchwise, list(swapped.values()), data)
        write_data(root / "data" / f"{kind}-{directions}", plain, list(inputs.values()), outputs)

        # In the subgraphs of If and Loop, with the weights outside and inside.
        states = list(STATES[: 2 if kind == "LSTM" else 1])
        value = lambda name, shape=None: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape or ranked(name))
        inside = [numpy_helper.from_array(a, n) for n, a in weights.items()]
        shapes = {"Y": (STEPS, directions, BATCH, HIDDEN), "Y_h": (directions, BATCH, HIDDEN), "Y_c": (directions, BATCH, HIDDEN)}
        for place in ("outside", "inside"):
            then = helper.make_graph([node], "then", [], [value(n) for n in names], inside if place == "inside" else [])
            zeros = [
                helper.make_node("Constant", [], [f"no_{n}"], value=numpy_helper.from_array(np.zeros(shapes[n], np.float32)))
                for n in names
            ]
            otherwise = helper.make_graph(zeros, "else", [], [value(f"no_{n}", shapes[n]) for n in names])
            branch = helper.make_node("If", ["condition"], [f"{n}_out" for n in names], then_branch=then, else_branch=otherwise)
            condition = helper.make_tensor_value_info("condition", TensorProto.BOOL, [])
            outer = weights if place == "outside" else {}
            model = model_of([branch], outer, inputs, [f"{n}_out" for n in names], extra_inputs=[condition])
            case(f"{kind}-{directions}-if-{place}", kind, model, inputs, feed={"condition": np.array(True)})

            body = helper.make_graph(
                [node, helper.make_node("Identity", ["going"], ["goes"])],
                "body",
                [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("going", TensorProto.BOOL, [])],
                [helper.make_tensor_value_info("goes", TensorProto.BOOL, []), *(value(n) for n in names)],
                inside if place == "inside" else [],
            )
            once = {"count": np.array(1), "going_in": np.array(True)}
            loop = helper.make_node("Loop", ["count", "going_in"], [f"{n}_all" for n in names], body=body)
            axis = {"axis0": np.array([0])}
            squeezes = [helper.make_node("Squeeze", [f"{n}_all", "axis0"], [f"{n}_out"]) for n in names]
            model = model_of([loop, *squeezes], {**outer, **once, **axis}, inputs, [f"{n}_out" for n in names])
            case(f"{kind}-{directions}-loop-{place}", kind, model, inputs)

        # What PyTorch's modules cannot express, by the attribute's name.
        for name, attributes in {
            "clip": {"clip": 0.5},
            "direction": {"direction": "reverse"},
            "activations": {"activations": ["Sigmoid"] * (GATES[kind] if kind != "GRU" else 2) * directions if kind != "LSTM" else ["Sigmoid", "Relu", "Tanh"] * directions},
            **({"input_forget": {"input_forget": 1}} if kind == "LSTM" else {}),
            **({"linear_before_reset": {"linear_before_reset": 0}} if kind == "GRU" else {}),
        }.items():
            if name == "direction" and directions == 2:
                continue
            folder = root / "refused" / f"{kind}-{directions}-{name}"
            folder.mkdir(parents=True)
            model = model_of([node_of(kind, weights, directions=directions, **attributes)], weights, inputs, names)
            onnx.save(model, folder / "model.onnx")
            write_case(folder, {"input": inputs["x"]}, {"output": onnx_outputs(model, inputs)[0]})
            refused.append({"folder": str(folder), "attribute": name})
    # The tanh of ONNX Runtime's RNN has an absolute error, which small outputs show.
    weights, inputs = arrays_for("RNN", random=random)
    weights = {name: array / 64 for name, array in weights.items() if name != "B"}
    inputs = {name: array / 4 for name, array in inputs.items()}
    small = model_of([node_of("RNN", weights)], weights, inputs, ["Y", "Y_h"])
    write_data(root / "small", small, list(inputs.values()), onnx_outputs(small, inputs))
    data = [str(folder) for folder in sorted((root / "data").iterdir())]
    return {"cases": cases, "refused": refused, "data": data}


def onnx_outputs(model, inputs):
    return runtime(model.SerializeToString(), inputs)


def write_data(folder, model, inputs, outputs):
    """A model with its test data, as ONNX keeps it."""
    folder.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    inside = folder / "test_data_set_0"
    inside.mkdir()
    for kind, arrays, values in (("input", inputs, model.graph.input), ("output", outputs, model.graph.output)):
        for i, (array, value) in enumerate(zip(arrays, values)):
            proto = numpy_helper.from_array(np.ascontiguousarray(array), value.name)
            (inside / f"{kind}_{i}.pb").write_bytes(proto.SerializeToString())


def write_node_tests(root, kind):
    from onnx.backend.test.case.node import collect_testcases

    for test in collect_testcases(kind):
        (inputs, outputs), *others = test.data_sets
        assert not others, test.name
        write_data(root / "nodes" / test.name, test.model, inputs, outputs)


def main():
    root, what, seed = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if what == "built":
        for kind in RECURRENT:
            # The package keeps the tests of the operator that it is asked about first: a process each.
            process = multiprocessing.get_context("fork").Process(target=write_node_tests, args=(root, kind))
            process.start()
            process.join()
            assert process.exitcode == 0, kind
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    written = {"older": older, "newer": newer, "built": built}[what](root)
    # Exporters print what they do.
    (root / f"{what}.json").write_text(json.dumps(written))


if __name__ == "__main__":
    main()
