"""The errors of tanh and σ inside the recurrent modules of a CUDA GPU, in units of 2⁻²⁴.

    python measure_activations.py OUT.npz

One step, weights that leave a single activation between the input and the state: an RNN gives tanh; a GRU with h_0 = 1
and a candidate of zero gives σ of its update gate; an LSTM with c_0 = 0 and a saturated candidate gives σ of its input
gate in c_n. In batches of 80 rows and in one of 40,000, for which cuDNN takes other kernels. OUT.npz has the inputs and the errors, absolute, of every module; the table on standard output the largest
and the root mean square by range, absolute, and relative below 0.1.
"""

import json
import sys

import numpy as np
import torch

RANGES = {"< 0.1": (0, 0.1), "0.1 to 2": (0.1, 2), "> 2": (2, 30)}
UNIT = 2.0**-24


def inputs():
    draw = np.random.default_rng(0)
    small = draw.uniform(-1, 1, 8000) * 10.0 ** draw.uniform(-7, -1, 8000)
    return np.concatenate([draw.uniform(-2, 2, 16000), draw.uniform(-12, 12, 16000), small]).astype(np.float32)


def module(kind, hidden_size, gates):
    """A module of one input whose matrices are zero, all but the column of the input in one gate."""
    made = getattr(torch.nn, kind)(1, hidden_size)
    for parameter in made.parameters():
        parameter.zero_()
    made.weight_ih_l0[gates * hidden_size : (gates + 1) * hidden_size] = 1
    return made


def activation(kind, hidden_size, x, rows):
    """Of `x` [values], in batches of `rows`; [values] of the last unit."""
    gate = {"RNN": 0, "GRU": 1, "LSTM": 0}[kind]
    made = module(kind, hidden_size, gate)
    if kind == "LSTM":
        made.bias_ih_l0[2 * hidden_size : 3 * hidden_size] = 50
    made = made.cuda()
    found = []
    for part in torch.from_numpy(x).cuda().reshape(-1, 1, rows, 1):
        states = torch.ones(1, rows, hidden_size, device="cuda") if kind == "GRU" else None
        output, state = made(part, states)
        found.append((state[1] if kind == "LSTM" else output)[0, :, -1])
    return torch.cat(found).cpu().numpy()


def main():
    assert torch.cuda.is_available(), "there is no CUDA device"
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    x = inputs()
    exact = {"RNN": np.tanh(x.astype(np.float64)), "GRU": 1 / (1 + np.exp(-x.astype(np.float64)))}
    exact["LSTM"] = exact["GRU"]
    out, table = {"x": x}, []
    for cudnn in (True, False):
        torch.backends.cudnn.enabled = cudnn
        for kind, truth in exact.items():
            for rows, hidden_size in ((80, 1), (80, 8), (80, 64), (80, 256), (80, 512), (40000, 64)):
                with torch.inference_mode():
                    got = activation(kind, hidden_size, x, rows)
                error = (got.astype(np.float64) - truth) / UNIT
                name = f"{kind}-{hidden_size}-{rows}-{'cudnn' if cudnn else 'native'}"
                out[name] = error.astype(np.float32)
                row = {}
                for label, (low, high) in RANGES.items():
                    here = (abs(x) >= low) & (abs(x) < high)
                    row[label] = [float(abs(error[here]).max()), float(np.sqrt((error[here] ** 2).mean()))]
                here = (abs(x) < 0.1) & (x != 0)
                relative = abs(error[here] / truth[here])
                row["relative"] = [float(relative.max()), float(np.sqrt((relative**2).mean()))]
                print(name, json.dumps({k: [round(n, 2) for n in v] for k, v in row.items()}), flush=True)
    np.savez_compressed(sys.argv[1], **out)
    print(torch.__version__, torch.backends.cudnn.version(), torch.cuda.get_device_name())


main()
