"""What people get who copy a state_dict into another runtime without its conventions: ports that are wrong on purpose."""

import dataclasses

import numpy as np
from libraries import by_flax, by_keras, halves, keras_weights
from runtimes import RUNTIMES, Runtime, by_numpy, by_onnxruntime, sigmoid
from modules import GATES, of_layers

F32 = np.float32


def changed(run, change):
    """The weights of every layer and direction, changed before they are given to a runtime that has them right."""

    def of(module):
        weights = {}
        for name in module.weights:
            kind, end = name[: name.index("_l")], name[name.index("_l") :]
            if kind == "weight_ih":
                parts = [module.weights[part + end] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
                for part, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), change(module, *parts)):
                    weights[part + end] = np.ascontiguousarray(value, F32)
        return run(dataclasses.replace(module, weights=weights))

    return of


def in_order(positions):
    """Blocks of rows in another order: the block at `positions[k]` becomes block k."""
    blocks = lambda a, kind: np.concatenate([halves(a, kind)[i] for i in positions])
    return lambda module, w, r, bw, br: [blocks(a, module.kind) for a in (w, r, bw, br)]


def reshaped(module, w, r, bw, br):
    """Matrices brought into the transposed shape without being transposed, and then used as transposed."""
    wrong = lambda a: a.reshape(a.shape[1], a.shape[0]).T
    return [wrong(w), wrong(r), bw, br]


def last_block(a, value):
    size = len(a) // 3
    return np.concatenate([a[: 2 * size], value])


def numpy_gru_reset_first(module):
    """A GRU that applies the reset gate to h, before the product."""

    def direction(module, weights, x, h, c):
        w, r, bw, br = weights
        size, ys = module.hidden_size, []
        for x_t in x:
            i, j = x_t @ w.T + bw, h @ r.T + br
            rt, z = sigmoid(i[:, :size] + j[:, :size]), sigmoid(i[:, size : 2 * size] + j[:, size : 2 * size])
            n = np.tanh(i[:, 2 * size :] + (rt * h) @ r[2 * size :].T + br[2 * size :])
            h = (F32(1) - z) * n + z * h
            ys.append(h)
        return np.stack(ys), h, c

    return of_layers(module, direction)


def keras_hard_sigmoid(module):
    import keras

    class Layers:
        """Keras's layers with the recurrent activation that it had by default before version 2.3, and that tfjs has."""

        def __getattr__(self, name):
            made = getattr(keras.layers, name)
            return lambda size, **options: made(size, recurrent_activation="hard_sigmoid", **options)

    return by_keras(module, layers=Layers())


def one_bias(module, w, r, bw, br):
    return [w, r, bw, np.zeros_like(br)]


def forget_bias(module, w, r, bw, br):
    size = module.hidden_size
    return [w, r, bw + np.repeat(np.array([0, 1, 0, 0], F32), size), br]


def swapped_states(run):
    return lambda module: run(dataclasses.replace(module, h_0=module.c_0, c_0=module.h_0))


def is_a(kind):
    return lambda module: module.kind == kind


COPIES = {
    "ONNX LSTM, gates in PyTorch's order": Runtime(changed(by_onnxruntime(), in_order([0, 2, 3, 1])), can=is_a("LSTM")),
    "ONNX GRU, gates in PyTorch's order": Runtime(changed(by_onnxruntime(), in_order([1, 0, 2])), can=is_a("GRU")),
    "ONNX GRU, linear_before_reset = 0": Runtime(numpy_gru_reset_first, can=is_a("GRU")),
    "Keras GRU, gates in PyTorch's order": Runtime(lambda m: by_keras(m, lambda kind, *w: keras_weights(kind, *w, order={"GRU": [0, 1, 2]})), can=is_a("GRU")),
    "Keras LSTM, kernels reshaped instead of transposed": Runtime(changed(by_keras, reshaped), can=is_a("LSTM")),
    "Keras LSTM, hard_sigmoid": Runtime(keras_hard_sigmoid, can=is_a("LSTM")),
    "Keras LSTM, bias_ih alone": Runtime(changed(by_keras, one_bias), can=is_a("LSTM")),
    "Flax LSTM, bias_hh alone": Runtime(changed(by_flax, lambda m, w, r, bw, br: [w, r, np.zeros_like(bw), br]), can=is_a("LSTM")),
    "Flax GRU, biases of n added up": Runtime(
        changed(by_flax, lambda m, w, r, bw, br: [w, r, last_block(bw, bw[-m.hidden_size :] + br[-m.hidden_size :]), last_block(br, 0 * br[-m.hidden_size :])]),
        can=is_a("GRU"),
    ),
    "Equinox GRU, b_hn given twice": Runtime(
        changed(RUNTIMES["equinox"].run, lambda m, w, r, bw, br: [w, r, last_block(bw, bw[-m.hidden_size :] + br[-m.hidden_size :]), br]), can=is_a("GRU")
    ),
    "Haiku LSTM, 1 added to the forget gate": Runtime(changed(by_numpy(np.tanh), forget_bias), can=is_a("LSTM")),
    "Flax LSTM, the carry as (h, c)": Runtime(swapped_states(by_flax), can=lambda module: module.kind == "LSTM" and module.states),
    "Haiku RNN, relu": Runtime(
        lambda module: by_numpy(np.tanh)(dataclasses.replace(module, nonlinearity="relu")), can=lambda module: module.kind == "RNN" and module.nonlinearity == "tanh"
    ),
}

if __name__ == "__main__":
    print("\n".join(COPIES))
