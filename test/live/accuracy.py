"""References for the accuracy of the kernels.

    accuracy.py activations FOLDER
        prints the largest error in ulp of each file FOLDER/{function}-{dtype}-*.bin, to which a build has written σ or
        tanh of FOLDER/x-{dtype}.bin; the exact values are computed in a longer format
    accuracy.py networks FOLDER COUNT SEED
        writes COUNT random modules with PyTorch's outputs in float64 and float32, one file each; only modules whose
        float32 output is near the float64 one
"""

import glob
import json
import random
import sys

import numpy as np
import torch
from safetensors.torch import save_file


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e / (1 + e), 1 / (1 + e))


def activations(folder):
    worst = {}
    for dtype in (np.float64, np.float32):
        name = np.dtype(dtype).name
        x = np.fromfile(f"{folder}/x-{name}.bin", dtype)
        for function in (sigmoid, np.tanh):
            # longdouble has 80 bits on x86 and 128 on other machines: enough for the exact values.
            exact = function(x.astype(np.longdouble))
            ulp = np.spacing(np.abs(exact.astype(dtype))).astype(np.longdouble)
            for file in glob.glob(f"{folder}/{function.__name__}-{name}-*.bin"):
                actual = np.fromfile(file, dtype)
                same = (np.isnan(x) & np.isnan(actual)) | (actual == exact.astype(dtype))
                error = np.where(same, 0, np.abs(actual.astype(np.longdouble) - exact) / ulp)
                worst[file.split("/")[-1]] = float(np.max(error))
    print(json.dumps(worst))


def networks(folder, count, seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    made = 0
    while made < count:
        kind = rng.choice(["RNN", "GRU", "LSTM"])
        options = {
            "input_size": rng.choice([1, 3, 17, 64]),
            "hidden_size": rng.choice([1, 2, 5, 16, 33, 64, 100]),
            "num_layers": rng.choice([1, 1, 2]),
            "bidirectional": rng.random() < 0.3,
            "bias": rng.random() < 0.8,
        }
        if kind == "LSTM" and rng.random() < 0.2 and options["hidden_size"] > 2:
            options["proj_size"] = options["hidden_size"] // 2
        module = getattr(torch.nn, kind)(**options).eval()
        x = torch.randn(rng.choice([1, 7, 40]), rng.choice([1, 1, 2, 5, 16]), options["input_size"])
        with torch.inference_mode():
            single, _ = module(x)
            weights = {name: value.clone() for name, value in module.state_dict().items()}
            double, _ = module.double()(x.double())
        # A chaotic network amplifies every rounding, including that of our kernels.
        if (single - double).abs().max() > 1e-5:
            continue
        tensors = {**weights, "input": x, "float32": single, "float64": double}
        save_file({name: value.contiguous() for name, value in tensors.items()}, f"{folder}/{made}.safetensors")
        made += 1


if sys.argv[1] == "activations":
    activations(sys.argv[2])
else:
    networks(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
