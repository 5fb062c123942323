"""Completes a case with PyTorch's output: add_output.py FOLDER [GAIN] writes case.safetensors from tensors.safetensors.

With a gain, all weights are multiplied by it first.
"""

import sys

import torch
from safetensors.torch import load_file, save_file

folder, gain = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1
tensors = load_file(f"{folder}/tensors.safetensors")
weights = {name: value * gain for name, value in tensors.items() if name != "input"}
layers = sum(name.startswith("weight_hh") for name in weights)
rows, hidden = weights["weight_hh_l0"].shape
kind = {1: torch.nn.RNN, 3: torch.nn.GRU, 4: torch.nn.LSTM}[rows // hidden]
module = kind(tensors["input"].shape[2], hidden, num_layers=layers)
module.load_state_dict(weights)
with torch.inference_mode():
    output, _ = module.eval()(tensors["input"])
save_file({**weights, "input": tensors["input"], "output": output.contiguous()}, f"{folder}/case.safetensors", metadata={"batch_first": "false"})
