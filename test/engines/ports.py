"""Ports of random modules to other runtimes, as bundles for cellcheck:

    ports.py OUT SET FIRST COUNT RUNTIME…

writes modules FIRST … FIRST + COUNT - 1 of a SET (base, hard) as each RUNTIME computes them into OUT, and prints a line
of JSON for each. All of them have the right weights, but for those of copies.py. What a runtime cannot compute is left
out.
"""

import contextlib
import json
import sys

import numpy as np
from copies import COPIES
from modules import random_module
from runtimes import RUNTIMES
from safetensors.numpy import save_file


ALL = {**RUNTIMES, **COPIES}


def main():
    out, which, first, count, *names = sys.argv[1:]
    for seed in range(int(first), int(first) + int(count)):
        module = random_module(which, seed)
        for name in names:
            runtime = ALL[name]
            if not runtime.can(module):
                continue
            with np.errstate(all="ignore"):
                with contextlib.redirect_stdout(sys.stderr):
                    output, h_n, c_n = runtime.run(module)
            tensors = {**module.weights, "input": module.x, "output": output, "h_n": h_n}
            if module.states:
                tensors["h_0"] = module.h_0
            if module.kind == "LSTM":
                tensors["c_n"] = c_n
                if module.states:
                    tensors["c_0"] = module.c_0
            file = f"{out}/{which}-{seed}-{list(ALL).index(name)}.safetensors"
            said = {"module": module.kind, "batch_first": "false"}
            if module.kind == "RNN":
                said["nonlinearity"] = module.nonlinearity
            save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, file, said)
            spec = {key: value for key, value in vars(module).items() if not isinstance(value, (np.ndarray, dict))}
            print(json.dumps({**spec, "set": which, "seed": seed, "runtime": name, "precision": runtime.precision, "file": file}), flush=True)


main()
