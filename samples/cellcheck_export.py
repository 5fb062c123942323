"""Exports a recurrent module of PyTorch as a case for cellcheck. One file, nothing but torch: copy it where you need it.

    from cellcheck_export import export_case
    export_case(model.encoder, batch, "cases/encoder", h_0=h_0, c_0=c_0)

The reference outputs are computed here, in evaluation mode, without gradients and on the CPU (a GPU may compute in
TF32, which is 13 bits short of float32), and written with all their digits.
"""

import copy
import ctypes
import json
import pathlib

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

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
    if not isinstance(module, (nn.RNN, nn.GRU, nn.LSTM, nn.RNNCellBase)):
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

    if state_dict is None:
        state_dict = {prefix + name: tensor for name, tensor in module.state_dict().items()}
    weights = {name: tensor.detach().cpu() for name, tensor in state_dict.items()}
    unknown = sorted({str(tensor.dtype) for tensor in weights.values()} - {str(dtype) for dtype in DTYPES})
    if unknown:
        raise ValueError(f"state_dict holds {', '.join(unknown)}, which is not written; leave these tensors out")
    options = {"module": type(module).__name__}
    if "RNN" in options["module"]:
        options["nonlinearity"] = module.nonlinearity
    if hasattr(module, "batch_first"):
        options["batch_first"] = module.batch_first
    if prefix:
        options["prefix"] = prefix
    if path.suffix == ".safetensors":
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in options.items()}
        save(path, {**weights, **inputs, **expected}, {**texts, **exported})
        return
    path.mkdir(parents=True, exist_ok=True)
    files = {"weights": weights, "input": inputs, "expected": expected}
    for role, tensors in files.items():
        save(path / f"{role}.safetensors", tensors, {})
    case = {"description": description} if description else {}
    case.update(options)
    case.update({role: f"{role}.safetensors" for role in files})
    case["exported"] = exported
    (path / "case.json").write_text(json.dumps(case, indent=2) + "\n", encoding="utf-8")


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
    h_n, c_n = state if lstm else (state, None)
    expected["h_n"] = h_n
    if lstm:
        expected["c_n"] = c_n
    return expected


def save(path, tensors, metadata):
    """A safetensors file (https://github.com/huggingface/safetensors): a length, a JSON header, and the data."""
    header, data, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, tensor in tensors.items():
        tensor = tensor.contiguous()
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
