import { type Case, caseOf } from '../../src/module/case.js';
import { type Module, parameterShapes } from '../../src/module/parameters.js';
import { type StateDict, stateDict } from '../../src/tensor/state-dict.js';
import { type Tensor, type TensorSpec, tensor } from '../../src/tensor/tensor.js';

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** An LSTM 3 → 4 of one layer and direction with biases, but for what is said. */
export function lstm(otherwise: Partial<Module> = {}): Module {
  return {
    kind: 'LSTM',
    cell: false,
    nonlinearity: 'tanh',
    prefix: '',
    input_size: 3,
    hidden_size: 4,
    proj_size: 0,
    num_layers: 1,
    bidirectional: false,
    bias: true,
    ...otherwise,
  };
}

/** What the header of a checkpoint says. */
export function specs(shapes: Shapes, dtype = 'F32'): Map<string, TensorSpec> {
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype, shape }]));
}

/** A tensor that holds first, first + 1, first + 2 … */
export function counting(shape: readonly number[], first = 0): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    shape,
    Array.from({ length: count }, (_, i) => first + i),
  );
}

/** The parameters of a module: the first holds 0, 1, 2 …, the second 1000, 1001 … and so on. */
export function weightsOf(module: Module): StateDict {
  const tensors = parameterShapes(module).map(({ name, dimensions }, i) => {
    const shape = dimensions.map(({ size }) => Number(size));
    return [module.prefix + name, counting(shape, 1000 * i)] as const;
  });
  return stateDict(Object.fromEntries(tensors));
}

/** A case of tensors with these shapes. */
export function caseWith(module: Module, shapes: Shapes): Case {
  const tensors = Object.entries(shapes).map(([role, shape]) => [
    role,
    role === 'lengths' ? tensor(shape, Array(shape[0]).fill(1), 'I64') : counting(shape),
  ]);
  return caseOf(weightsOf(module), Object.fromEntries(tensors));
}
