"""Times forward passes by PyTorch on demand: a JSON line in, a JSON line out.

    {"prepare": {"kind", "input", "hidden", "layers", "steps", "batch", "dtype", "trained"?}, "folder"}
        makes a module and an input; writes both, and an ONNX model, into the folder for the other contenders. With "trained",
        the module has learned to say what went in some steps ago; it has 16 inputs then
    {"run": threads}
        answers with the milliseconds of one pass and the sum of its output
"""

import json
import os
import sys
import time

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

sys.path.append(os.path.join(os.path.dirname(__file__), "../../test/engines"))
from trained import trained  # noqa: E402

# ORDER[kind][k]: the position in PyTorch of gate k of ONNX. LSTM: i f g o → i o f c; GRU: r z n → z r h.
ORDER = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 3, 1, 2]}


def reordered(tensor, kind):
    blocks = tensor.chunk(len(ORDER[kind]))
    return torch.cat([blocks[i] for i in ORDER[kind]])


def export(module, kind, path):
    """Writes the module as a chain of ONNX nodes."""
    nodes, constants = [], []

    def constant(name, tensor):
        constants.append(numpy_helper.from_array(tensor.detach().numpy(), name))

    current = "x"
    constant("axes", torch.tensor([1]))
    for layer in range(module.num_layers):
        part = lambda name: reordered(getattr(module, f"{name}_l{layer}"), kind)
        constant(f"W{layer}", part("weight_ih")[None])
        constant(f"R{layer}", part("weight_hh")[None])
        constant(f"B{layer}", torch.cat([part("bias_ih"), part("bias_hh")])[None])
        options = {"linear_before_reset": 1} if kind == "GRU" else {}
        inputs = [current, f"W{layer}", f"R{layer}", f"B{layer}"]
        nodes.append(helper.make_node(kind, inputs, [f"y{layer}"], hidden_size=module.hidden_size, **options))
        nodes.append(helper.make_node("Squeeze", [f"y{layer}", "axes"], [f"o{layer}"]))
        current = f"o{layer}"
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "passes", [value("x")], [value(current)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def prepare(spec, folder):
    torch.manual_seed(1)
    kind = spec["kind"]
    if spec.get("trained"):
        module = trained(kind, spec["layers"], spec["hidden"]).eval()
    else:
        module = getattr(torch.nn, kind)(spec["input"], spec["hidden"], num_layers=spec["layers"]).eval()
    x = torch.randn(spec["steps"], spec["batch"], spec["input"])
    save_file({**module.state_dict(), "input": x}, f"{folder}/tensors.safetensors")
    if spec["dtype"] == "float32":
        export(module, kind, f"{folder}/model.onnx")
    return (module, x) if spec["dtype"] == "float32" else (module.double(), x.double())


state = None
for line in sys.stdin:
    order = json.loads(line)
    if "prepare" in order:
        state = prepare(order["prepare"], order["folder"])
        print(json.dumps({}), flush=True)
        continue
    module, x = state
    torch.set_num_threads(order["run"])
    with torch.inference_mode():
        started = time.perf_counter()
        output, _ = module(x)
        milliseconds = (time.perf_counter() - started) * 1e3
    print(json.dumps({"milliseconds": milliseconds, "sum": output.double().sum().item()}), flush=True)
