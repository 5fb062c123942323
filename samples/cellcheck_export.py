"""Exports recurrent modules of PyTorch as cases for cellcheck. One file, nothing but torch: copy it where you need it.

    with capture(model, "cases/"):
        model(batch)

writes a case for every nn.RNN, nn.GRU, nn.LSTM and Cell inside the model that ran in the block, with the input that it
got there, and the outputs as the model computed them, on its own device. Then: npx cellcheck verify cases/

    export_case(model.encoder, batch, "cases/encoder", h_0=h_0, c_0=c_0)

writes a case for one module, with an input of yours. The reference outputs are computed here, in evaluation mode,
without gradients and on the CPU (a GPU may compute in TF32, which is 13 bits short of float32).

Both write all digits. What a model computes in TF32 or under autocast has fewer of them: to compare float32, capture
outside autocast, and on a GPU set torch.backends.cudnn.allow_tf32 = False and, for Cells,
torch.backends.cuda.matmul.allow_tf32 = False.
"""

import contextlib
import copy
import ctypes
import functools
import itertools
import json
import pathlib
import re

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

RECURRENT = (nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell, nn.LSTMCell)

DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def export_case(
    module,
    input,
    path,
    *,
    h_0=None,
    c_0=None,
    lengths=None,
    expected=None,
    state_dict=None,
    prefix="",
    description=None,
):
    """Writes weights, input and the outputs that PyTorch computes from them.

    module       nn.RNN, nn.GRU, nn.LSTM or one of their Cells
    input        as the module takes it; a Cell also takes [T, B, input_size] and is looped over T
    path         a folder, which gets a case.json, or a file that ends in .safetensors, which gets everything
    h_0, c_0     initial states, zero if absent (an LSTM takes both or neither)
    lengths      valid steps of every batch row, as for pack_padded_sequence
    expected     the outputs of a port by name ({"output": …, "h_n": …}), in the place of PyTorch's own
    state_dict   a checkpoint to write instead of the module's own tensors
    prefix       what stands before the module's names there, as "encoder.lstm."
    description  one sentence on what the case shows
    """
    path = pathlib.Path(path)
    if path.suffix == ".json":
        raise ValueError("path is a folder, which gets a case.json, or a file that ends in .safetensors")
    if not isinstance(module, RECURRENT):
        raise TypeError(f"module is a {type(module).__name__}, not an nn.RNN, nn.GRU, nn.LSTM or one of their Cells")
    if lengths is not None and isinstance(module, nn.RNNCellBase):
        raise ValueError("lengths are for nn.RNN, nn.GRU and nn.LSTM: a Cell takes one step at a time")
    if isinstance(module, (nn.LSTM, nn.LSTMCell)) and (h_0 is None) != (c_0 is None):
        raise ValueError("an LSTM takes both h_0 and c_0 or neither")
    for name, tensor in {"input": input, "h_0": h_0, "c_0": c_0}.items():
        if tensor is not None and not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{name} is a {type(tensor).__name__}, not a tensor")
    device = next(module.parameters()).device
    module = copy.deepcopy(module).cpu().eval()
    inputs = {"input": input, "h_0": h_0, "c_0": c_0}
    inputs = {name: tensor.detach().cpu() for name, tensor in inputs.items() if tensor is not None}
    if lengths is not None:
        inputs["lengths"] = torch.as_tensor(lengths, dtype=torch.int64).cpu()
    exported = {"torch": torch.__version__, "device": f"module on {device}, reference computed on cpu"}
    if expected is None:
        with torch.no_grad():
            expected = reference(module, **inputs)
    else:
        strangers = sorted(set(expected) - {"output", "h_n", "c_n"})
        if strangers:
            raise ValueError(f"expected holds {', '.join(strangers)}; it takes output, h_n and c_n")
        expected = {name: torch.as_tensor(tensor).detach().cpu() for name, tensor in expected.items()}
        exported["device"] = f"module on {device}, reference given by the caller"

    weights = prefixed(prefix, weights_of(module)) if state_dict is None else state_dict
    unknown = sorted({str(tensor.dtype) for tensor in weights.values()} - {str(dtype) for dtype in DTYPES})
    if unknown:
        raise ValueError(f"state_dict holds {', '.join(unknown)}, which is not written; leave these tensors out")
    options = options_of(module, prefix)
    if path.suffix == ".safetensors":
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in options.items()}
        save(path, {**weights, **inputs, **expected}, {**texts, **exported})
        return
    write_case(path, options, {"weights": weights, "input": inputs, "expected": expected}, exported, description)


@contextlib.contextmanager
def capture(model, path):
    """Writes a case for every run of a recurrent module of the model in a with-block.

    model  any nn.Module; it is in evaluation mode in the block, and every part is afterwards as it was
    path   a folder, which gets a folder for each case, named as the module is in the model ("encoder.lstm")

    A further run of a module is a case of its own ("encoder.lstm-2"). The calls of a Cell in a loop are the steps of
    one case; a call with another state than the Cell returned starts the next. Cases of stacked modules also have the
    outputs of the layers below the last, computed on the CPU from the captured input.
    Cases of earlier runs are overwritten; those that this run does not have stay. If the block raises, nothing is
    written.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}, not an nn.Module")
    modules = {name: module for name, module in model.named_modules() if isinstance(module, RECURRENT)}
    cases = {name: [] for name in modules}
    training = [(module, module.training) for module in model.modules()]
    # Before other hooks, which may replace the module's output.
    hooks = [
        module.register_forward_hook(functools.partial(record, cases[name]), with_kwargs=True, prepend=True)
        for name, module in modules.items()
    ]
    try:
        model.eval()
        yield
    finally:
        for hook in hooks:
            hook.remove()
        # Not by train(), which sets the parts too, and which some models replace.
        for module, was_training in training:
            module.training = was_training
    if not any(cases.values()):
        *kinds, last = [f"nn.{kind.__name__}" for kind in RECURRENT]
        names = ", ".join(name or "the model itself" for name in modules)
        raise RuntimeError(
            f"nothing to capture: no {', '.join(kinds)} or {last} of this {type(model).__name__} ran in the block "
            + (f"(it has {names})" if modules else "(it has none)")
        )
    write_captured(pathlib.Path(path), modules, cases)


def record(cases, module, args, kwargs, result):
    """A forward hook that adds a run to the cases of its module."""
    input, hx = arguments(*args, **kwargs)
    if isinstance(module, nn.RNNCellBase):
        record_step(cases, module, input, hx, result)
        return
    output, state = result
    device = state[0].device
    inputs = {"input": input}
    if isinstance(input, PackedSequence):
        inputs["input"], inputs["lengths"] = pad_packed_sequence(input, batch_first=module.batch_first)
        output, _ = pad_packed_sequence(output, batch_first=module.batch_first)
    inputs.update(states(module, hx, "0"))
    add_case(cases, module, device, copies(inputs), copies({"output": output, **states(module, state, "n")}))


def record_step(cases, module, input, hx, result):
    """A call of a Cell: the next step of a case that ended in this state, or the first of a new one."""
    before, after = copies(states(module, hx, "0")), copies(states(module, result, "n"))
    step = copies({"input": input})["input"]
    if input.dim() == 1:
        # A loop is [T, B, I], so a step without a batch is a batch of one.
        before, after = ({name: state[None] for name, state in named.items()} for named in (before, after))
        step = step[None]
    for case in reversed(cases):
        expected = case["expected"]
        if before and all(map(same, before.values(), [expected[name] for name in after])):
            case["input"]["input"].append(step)
            expected["output"].append(after["h_n"])
            expected.update(after)
            return
    device = (result[0] if isinstance(result, tuple) else result).device
    add_case(cases, module, device, {"input": [step], **before}, {"output": [after["h_n"]], **after})


def add_case(cases, module, device, inputs, expected):
    weights = copies(weights_of(module))
    if cases and all(map(same, weights.values(), cases[-1]["weights"].values())):
        # The same tensors, lest many runs hold as many copies.
        weights = cases[-1]["weights"]
    exported = {"torch": torch.__version__, "device": f"module on {device}, reference computed there"}
    if device.type == "cuda":
        exported["tf32"] = tf32(module)
    cases.append({"weights": weights, "input": inputs, "expected": expected, "exported": exported})


def arguments(input, hx=None):
    """What a recurrent module was called with, by position or by name."""
    return input, hx


def tf32(module):
    """Whether PyTorch may have computed float32 products in TF32."""
    flags = torch.backends.cuda.matmul if isinstance(module, nn.RNNCellBase) else torch.backends.cudnn
    try:
        return "allowed" if flags.allow_tf32 else "not allowed"
    except RuntimeError:
        # PyTorch does not tell where a script sets the precision in both the older and the newer way.
        return "unknown"


def write_captured(path, modules, cases):
    # First runs come first, so that a module has its own name even where another's second run would take it.
    runs = sorted(((number, name) for name in cases for number in range(len(cases[name]))), key=lambda run: run[0])
    taken = set()
    for number, name in runs:
        module, case = modules[name], cases[name][number]
        folder = unused(re.sub(r"[^\w.-]", "_", name) or kind_of(module).lower(), taken)
        prefix = f"{name}." if name else ""
        stacked = {role: stacked_steps(case[role]) for role in ("input", "expected")}
        files = {"weights": prefixed(prefix, case["weights"]), **stacked}
        layers = layer_outputs(module, case["weights"], **stacked["input"])
        if layers:
            files["layer_outputs"] = layers
        write_case(path / folder, options_of(module, prefix), files, case["exported"])


def stacked_steps(tensors):
    """The tensors of a case; of a Cell some are lists with a tensor for every step."""
    return {name: torch.stack(tensor) if isinstance(tensor, list) else tensor for name, tensor in tensors.items()}


def unused(name, taken):
    """The name, or name-2, name-3 … where it is taken; upper and lower case are the same to some file systems."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    name = next(name for name in names if name.lower() not in taken)
    taken.add(name.lower())
    return name


def layer_outputs(module, weights, input, h_0=None, c_0=None, lengths=None):
    """The outputs of the layers below the last, each run by itself over the output of the one below."""
    outputs = {}
    directions = 2 if getattr(module, "bidirectional", False) else 1
    for layer in range(getattr(module, "num_layers", 1) - 1):
        end = f"_l{layer}"
        options = {name: getattr(module, name) for name in ("bias", "batch_first", "bidirectional")}
        if kind_of(module) == "RNN":
            options["nonlinearity"] = module.nonlinearity
        if kind_of(module) == "LSTM":
            options["proj_size"] = module.proj_size
        # Made without memory, parameters take no random numbers, which would change those that the user draws next.
        kind = getattr(nn, kind_of(module))
        one = kind(input.shape[-1], module.hidden_size, **options, dtype=input.dtype, device="meta")
        one = one.to_empty(device="cpu").eval()
        one.load_state_dict(
            {
                name.replace(end, "_l0"): tensor
                for name, tensor in weights.items()
                if name.endswith((end, f"{end}_reverse"))
            }
        )
        rows = slice(layer * directions, (layer + 1) * directions)
        below = {name: state[rows] for name, state in {"h_0": h_0, "c_0": c_0}.items() if state is not None}
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            input = reference(one, input, **below, lengths=lengths)["output"]
        outputs[f"output{end}"] = input
    return outputs


def reference(module, input, h_0=None, c_0=None, lengths=None):
    """The module's outputs by the names that PyTorch's documentation gives them."""
    lstm = isinstance(module, (nn.LSTM, nn.LSTMCell))
    state = None if h_0 is None else (h_0, c_0) if lstm else h_0
    if isinstance(module, nn.RNNCellBase):
        steps = input if input.dim() == 3 else [input]
        outputs = []
        for x in steps:
            state = module(x, state)
            outputs.append(state[0] if lstm else state)
        expected = {"output": torch.stack(outputs)} if input.dim() == 3 else {}
    elif lengths is None:
        output, state = module(input, state)
        expected = {"output": output}
    else:
        packed = pack_padded_sequence(input, lengths, batch_first=module.batch_first, enforce_sorted=False)
        output, state = module(packed, state)
        output, _ = pad_packed_sequence(output, batch_first=module.batch_first)
        expected = {"output": output}
    return {**expected, **states(module, state, "n")}


def states(module, state, end):
    """A module's state by name: {"h_0": …} or {"h_n": …}, and of an LSTM c_0 or c_n; nothing if it is None."""
    if state is None:
        return {}
    if isinstance(module, (nn.LSTM, nn.LSTMCell)):
        return {f"h_{end}": state[0], f"c_{end}": state[1]}
    return {f"h_{end}": state}


def kind_of(module):
    """The name of its class in torch.nn, also for a class that is derived from it (as parametrizations do)."""
    return next(kind.__name__ for kind in RECURRENT if isinstance(module, kind))


def options_of(module, prefix):
    """The options of a case with this module."""
    options = {"module": kind_of(module)}
    if "RNN" in options["module"]:
        options["nonlinearity"] = module.nonlinearity
    if hasattr(module, "batch_first"):
        options["batch_first"] = module.batch_first
    if prefix:
        options["prefix"] = prefix
    return options


def weights_of(module):
    """The weights that a module computes with, by name: of a parametrized one its state_dict has others."""
    names = ["weight_ih", "weight_hh"]
    if module.bias:
        names += ["bias_ih", "bias_hh"]
    if getattr(module, "proj_size", 0):
        names.append("weight_hr")
    ends = [""]
    if not isinstance(module, nn.RNNCellBase):
        directions = ["", "_reverse"] if module.bidirectional else [""]
        ends = [f"_l{layer}{direction}" for layer in range(module.num_layers) for direction in directions]
    return {name + end: getattr(module, name + end) for end in ends for name in names}


def prefixed(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def copies(tensors):
    """Copies on the CPU, since a model may write over its tensors later."""
    return {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }


def same(a, b):
    return a.dtype == b.dtype and torch.equal(a, b)


def write_case(folder, options, files, exported, description=None):
    """A folder with a case.json and a file of tensors for each role."""
    folder.mkdir(parents=True, exist_ok=True)
    for role, tensors in files.items():
        save(folder / f"{role}.safetensors", tensors, {})
    case = {"description": description} if description else {}
    case.update(options)
    case.update({role: f"{role}.safetensors" for role in files})
    case["exported"] = exported
    (folder / "case.json").write_text(json.dumps(case, indent=2) + "\n", encoding="utf-8")


def save(path, tensors, metadata):
    """A safetensors file (https://github.com/huggingface/safetensors): a length, a JSON header, and the data."""
    header, data, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, tensor in tensors.items():
        # The bytes are read from memory in one piece.
        tensor = tensor.detach().cpu().contiguous()
        size = tensor.numel() * tensor.element_size()
        data.append(ctypes.string_at(tensor.data_ptr(), size) if size else b"")
        header[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data))
