import type { Format } from './format.js';
import { openOnnx, openOnnxTensor } from './onnx/open.js';

/**
 * The weights of an ONNX model's RNN, GRU and LSTM nodes (https://onnx.ai/onnx/operators/) under PyTorch's names and in
 * its order of gates, and its other weights as they are.
 */
export const onnx: Format = {
  name: 'onnx',
  endings: ['.onnx'],
  text: false,
  holds: 'RNN, GRU or LSTM nodes',
  open: openOnnx,
};

/** A tensor of ONNX's test data (TensorProto), under its name in the graph. */
export const onnxTensor: Format = {
  name: 'onnx-tensor',
  endings: ['.pb'],
  text: false,
  holds: 'one tensor of ONNX',
  open: openOnnxTensor,
};
