"""Writes one network in several forms: write_forms.py FOLDER. Small: model.{safetensors,pt,npz}; large, of 2 GB with an LSTM of
25 MB inside: large.{safetensors,pt}; with inputs and outputs of each."""

import sys

import numpy as np
import torch
from safetensors.torch import save_file

folder = sys.argv[1]


def write(name, module, x, others=()):
    with torch.inference_mode():
        output, (h_n, c_n) = module(x)
    tensors = {**dict(others), **{f"lstm.{key}": value for key, value in module.state_dict().items()}}
    save_file(tensors, f"{folder}/{name}.safetensors")
    torch.save(tensors, f"{folder}/{name}.pt")
    if not others:
        np.savez(f"{folder}/{name}.npz", **{key: value.numpy() for key, value in tensors.items()})
    save_file({"input": x}, f"{folder}/{name}-x.safetensors")
    outputs = {"output": output, "h_n": h_n, "c_n": c_n}
    save_file({key: value.contiguous() for key, value in outputs.items()}, f"{folder}/{name}-y.safetensors")


torch.manual_seed(0)
write("model", torch.nn.LSTM(3, 4), torch.randn(5, 1, 3))
others = {f"blocks.{i}": torch.empty(2**26).uniform_() for i in range(8)}
write("large", torch.nn.LSTM(512, 1024), torch.randn(2, 1, 512), others)
