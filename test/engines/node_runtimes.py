"""Runtimes of Node, in one process for all modules: node.js has the other side. CELLCHECK_NODE_RUNTIMES is the folder that
they are installed in."""

import base64
import functools
import json
import os
import pathlib
import subprocess

import numpy as np
from modules import of_layers


@functools.cache
def process_of(name):
    argv = ["node", str(pathlib.Path(__file__).parent / "node.js"), name, os.environ["CELLCHECK_NODE_RUNTIMES"]]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def asked(name, question):
    process = process_of(name)
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    # A library may greet on the standard output.
    while not (line := process.stdout.readline()).startswith(("[{", "{")):
        assert line, f"{name} ended"
    return json.loads(line)


def values(a):
    return {"data": [float(v) for v in np.ravel(a)], "shape": list(a.shape)}


def array(values):
    return np.array(values["data"], np.float32).reshape(values["shape"])


def by_onnxruntime_in_node(name, onnx_operator):
    def run(module):
        rows = lambda a, k: a[k * module.ways : (k + 1) * module.ways]
        layers = range(module.layers)
        models = [base64.b64encode(onnx_operator(module, k).SerializeToString()).decode() for k in layers]
        feeds = [{"h": values(rows(module.h_0, k))} | ({"c": values(rows(module.c_0, k))} if module.kind == "LSTM" else {}) for k in layers]
        feeds[0]["X"] = values(module.x)
        answers = asked(name, {"models": models, "feeds": feeds})
        y = array(answers[-1]["Y"]).transpose(0, 2, 1, 3).reshape(module.steps, module.batch, -1)
        c_n = [array(answer["Yc"]) for answer in answers if answer.get("Yc")]
        return y, np.concatenate([array(answer["Yh"]) for answer in answers]), np.concatenate(c_n) if c_n else None

    return run


def by_tfjs(backend):
    def direction(module, weights, x, h, c):
        question = {
            "kind": module.kind,
            "nonlinearity": module.nonlinearity,
            "hidden_size": module.hidden_size,
            "weights": [values(w) for w in weights],
            "x": values(x),
            "h": values(h),
            "c": values(c),
        }
        answer = asked(backend, question)
        return array(answer["y"]), array(answer["h"]), array(answer["c"])

    return lambda module: of_layers(module, direction)
