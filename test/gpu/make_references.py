"""References computed on a CUDA GPU, as small cases: a safetensors bundle each, all in one tar.

    python make_references.py OUT.tar [SECONDS]

RNN (tanh, relu), GRU and LSTM, with cuDNN and without; float32 with and without TF32, float16, bfloat16, and autocast to
both; 1 or 2 layers, 1 or 2 directions, 8 to 160 units, weights as PyTorch draws them and three times as large. A bundle
holds the state_dict and the input as they were in float32, before the module was converted, and what came out; its
metadata say how, by which versions and on which device. At most 14 MB and SECONDS (120 if absent).
"""

import io
import json
import sys
import tarfile
import time
from itertools import product

import torch
from safetensors.torch import save

KINDS = [("LSTM", {}), ("GRU", {}), ("RNN", {"nonlinearity": "tanh"}), ("RNN", {"nonlinearity": "relu"})]
# Input size, hidden size, layers, steps, batch rows.
SIZES = [(1, 8, 1, 1, 1), (5, 17, 1, 20, 3), (8, 24, 2, 30, 2), (16, 64, 1, 50, 4), (32, 160, 1, 10, 2)]
# Name, dtype of the module, whether TF32 is allowed, dtype of autocast.
PRECISIONS = [
    ("float32", torch.float32, False, None),
    ("tf32", torch.float32, True, None),
    ("float16", torch.float16, False, None),
    ("bfloat16", torch.bfloat16, False, None),
    ("autocast-float16", torch.float32, False, torch.float16),
    ("autocast-bfloat16", torch.float32, False, torch.bfloat16),
]
MOST_BYTES = 14_000_000


def reference(seed, kind, options, size, directions, gain, precision, cudnn):
    input_size, hidden_size, layers, steps, batch = size
    name, dtype, tf32, autocast = precision
    torch.manual_seed(seed)
    module = getattr(torch.nn, kind)(
        input_size, hidden_size, layers, bidirectional=directions == 2, **options
    ).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(gain)
    tensors = {key: value.clone().contiguous() for key, value in module.state_dict().items()}
    tensors["input"] = torch.randn(steps, batch, input_size)
    torch.backends.cudnn.enabled = cudnn
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    cast = torch.autocast("cuda", dtype=autocast or torch.float16, enabled=autocast is not None)
    with torch.inference_mode(), cast:
        output, state = module.cuda().to(dtype)(tensors["input"].cuda().to(dtype))
    h_n, *c_n = state if kind == "LSTM" else (state,)
    for key, value in zip(("output", "h_n", "c_n"), (output, h_n, *c_n)):
        tensors[key] = value.cpu().contiguous()
    said = {
        "module": kind,
        "batch_first": "false",
        **options,
        "precision": name,
        "cudnn": str(torch.backends.cudnn.version()) if cudnn else "off",
        "seed": str(seed),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(),
    }
    return save(tensors, said)


def is_wanted(kind, size, directions, gain, precision, cudnn):
    """Large modules only where their size could matter."""
    hidden_size = size[1]
    if hidden_size <= 32:
        return True
    if directions == 2 or gain > 1:
        return False
    return hidden_size <= 64 or (kind != "RNN" and cudnn and "bfloat16" not in precision[0])


def main():
    assert torch.cuda.is_available(), "there is no CUDA device"
    end = time.time() + float(sys.argv[2] if len(sys.argv) > 2 else 120)
    made, written, failed = 0, 0, {}
    choices = product(SIZES, KINDS, ((1, 1.0), (2, 1.0), (1, 3.0)), PRECISIONS, (True, False))
    with tarfile.open(sys.argv[1], "w") as tar:
        for seed, (size, (kind, options), (directions, gain), precision, cudnn) in enumerate(choices):
            if time.time() > end or written > MOST_BYTES:
                break
            if not is_wanted(kind, size, directions, gain, precision, cudnn):
                continue
            try:
                bundle = reference(seed, kind, options, size, directions, gain, precision, cudnn)
            except RuntimeError as error:  # a combination that this PyTorch or device does not have
                failed[f"{kind} {precision[0]}"] = str(error)[:200]
                continue
            way = "" if cudnn else "-no-cudnn"
            entry = tarfile.TarInfo(f"{seed:04d}-{kind.lower()}-{precision[0]}{way}.safetensors")
            entry.size = len(bundle)
            tar.addfile(entry, io.BytesIO(bundle))
            made, written = made + 1, written + len(bundle)
    print(json.dumps({"cases": made, "bytes": written, "failed": failed}))


main()
