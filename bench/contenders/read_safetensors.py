"""Reads one module of a checkpoint with numpy: read_safetensors.py FILE"""

import sys

from safetensors import safe_open

with safe_open(sys.argv[1], framework="np") as file:
    tensors = {name: file.get_tensor(name) for name in file.keys() if name.startswith("lstm.")}
print(sum(tensor.size for tensor in tensors.values()))
