"""Stacked networks as PyTorch and ONNX Runtime compute them, with the outputs of their lower layers beside them:

    stacks.py OUT FIRST COUNT [float32|float16|bfloat16]

2 and 3 layers, 64 to 256 units, 100 to 200 steps, with weights as PyTorch draws them (x 1 and x 2) and trained until
their states matter: to say back what went in some steps ago. Prints a line of JSON for each.
"""

import json
import random
import sys

import numpy as np
import torch
from modules import GATES, Module
from runtimes import RUNTIMES
from safetensors.numpy import save_file
from trained import drawn, trained

torch.set_num_threads(1)


def main():
    out, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    dtype = sys.argv[4] if len(sys.argv) > 4 else "float32"
    for seed in range(first, first + count):
        choose = random.Random(seed)
        kind, layers, hidden = choose.choice(list(GATES)), choose.choice([2, 3]), choose.choice([64, 128, 256])
        source = choose.choice(["x 1", "x 2", "trained"])
        steps, batch = choose.choice([100, 160, 200]), 1
        made = trained(kind, layers, hidden) if source == "trained" else drawn(kind, layers, hidden, int(source[-1]), seed)
        torch.manual_seed(seed + 1000)
        x = torch.randn(steps, batch, 16)
        made = made.eval()
        weights = {name: p.detach().numpy().copy() for name, p in made.state_dict().items()}
        states = np.zeros((layers, batch, hidden), np.float32)
        module = Module(kind, "tanh", 16, hidden, layers, 1, steps, batch, False, source, weights, x.numpy(), states, states)
        runtimes = ["torch", "onnxruntime"] if dtype == "float32" else [f"torch {dtype}"]
        for name in runtimes:
            # Layer by layer, so that each layer's output is what the next one takes.
            given, outputs, h_n, c_n = module.x, [], [], []
            for k in range(layers):
                own = {key.replace(f"_l{k}", "_l0"): w for key, w in weights.items() if key.endswith(f"_l{k}")}
                one = Module(kind, "tanh", given.shape[2], hidden, 1, 1, steps, batch, False, source, own, given, states[:1], states[:1])
                y, h, c = RUNTIMES[name].run(one)
                outputs.append(y)
                h_n.append(h)
                c_n.append(c)
                given = y
            tensors = {**weights, "input": module.x, "output": outputs[-1], "h_n": np.concatenate(h_n)}
            if kind == "LSTM":
                tensors["c_n"] = np.concatenate(c_n)
            for k, y in enumerate(outputs[:-1]):
                tensors[f"output_l{k}"] = y
            file = f"{out}/stack-{seed}-{name.replace(' ', '-')}.safetensors"
            save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, file, {"module": kind, "batch_first": "false"})
            spec = {"kind": kind, "nonlinearity": "tanh", "hidden_size": hidden, "layers": layers, "steps": steps, "what": source}
            print(json.dumps({**spec, "set": "stacks", "seed": seed, "runtime": name, "file": file}), flush=True)


main()
