"""The check that `cellcheck verify` makes, written with PyTorch: check_torch.py FOLDER"""

import sys

import torch
from safetensors.torch import load_file

folder = sys.argv[1]
tensors = load_file(f"{folder}/case.safetensors")
weights = {name: value for name, value in tensors.items() if name.startswith(("weight", "bias"))}
kind = {1: torch.nn.RNN, 3: torch.nn.GRU, 4: torch.nn.LSTM}
rows, hidden = weights["weight_hh_l0"].shape
layers = sum(name.startswith("weight_hh") for name in weights)
module = kind[rows // hidden](weights["weight_ih_l0"].shape[1], hidden, num_layers=layers)
module.load_state_dict(weights)
with torch.inference_mode():
    output, _ = module(tensors["input"])
difference = (output - tensors["output"]).abs()
for step, worst in enumerate(difference.amax(dim=(1, 2)).tolist()):
    if step < 20:
        print(step, worst)
sys.exit(not torch.allclose(output, tensors["output"], rtol=1.3e-6, atol=1e-5))
