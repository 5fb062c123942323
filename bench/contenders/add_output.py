"""Completes a case with PyTorch's output: add_output.py FOLDER writes case.safetensors from tensors.safetensors."""

import sys

import torch
from safetensors.torch import load_file, save_file

folder = sys.argv[1]
tensors = load_file(f"{folder}/tensors.safetensors")
weights = {name: value for name, value in tensors.items() if name != "input"}
layers = sum(name.startswith("weight_hh") for name in weights)
module = torch.nn.LSTM(tensors["input"].shape[2], weights["weight_hh_l0"].shape[1], num_layers=layers)
module.load_state_dict(weights)
with torch.inference_mode():
    output, _ = module.eval()(tensors["input"])
save_file({**tensors, "output": output.contiguous()}, f"{folder}/case.safetensors", metadata={"batch_first": "false"})
