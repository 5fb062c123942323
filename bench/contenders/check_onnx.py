"""The check of check_torch.py by onnxruntime, with an exported model in float32: check_onnx.py FOLDER"""

import sys

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

folder = sys.argv[1]
tensors = load_file(f"{folder}/case.safetensors")
session = onnxruntime.InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
(output,) = session.run(None, {"x": tensors["input"]})
difference = np.abs(output - tensors["output"])
for step, worst in enumerate(difference.max(axis=(1, 2))):
    if step < 20:
        print(step, worst)
sys.exit(not np.allclose(output, tensors["output"], rtol=1.3e-6, atol=1e-5))
