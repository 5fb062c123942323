import { checkNames } from '../tensor/state-dict.js';
import type { Format } from './format.js';
import { readTensorProto } from './onnx/messages.js';
import { checkedShape, dtypeOf, onnxTensor } from './onnx/tensor.js';

/** A tensor of ONNX's test data (TensorProto), under its name in the graph. */
export const onnxTensorFile: Format = {
  name: 'onnx-tensor',
  endings: ['.pb'],
  text: false,
  holds: 'one tensor of ONNX',
  open(source) {
    const proto = readTensorProto(source);
    const specs = new Map([[proto.name, { dtype: dtypeOf(proto), shape: [...checkedShape(proto)] }]]);
    return {
      tensors: () => ({
        specs,
        load(names) {
          checkNames(specs, names);
          return new Map(names.map((name) => [name, onnxTensor(proto, source)]));
        },
      }),
    };
  },
};
