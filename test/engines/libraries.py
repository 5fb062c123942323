"""Flax, Equinox, Keras and LiteRT: their own cells and layers, with a module's weights as each library wants them."""

import numpy as np
from modules import GATES, of_layers


def halves(a, kind):
    return np.split(a, GATES[kind])


def by_flax(module):
    import jax
    from flax import linen

    size = module.hidden_size
    activation = jax.nn.relu if module.nonlinearity == "relu" else jax.numpy.tanh
    cell = {
        "RNN": lambda: linen.SimpleCell(size, activation_fn=activation),
        "GRU": lambda: linen.GRUCell(size),
        "LSTM": lambda: linen.OptimizedLSTMCell(size),
    }[module.kind]()

    def parameters(w, r, bw, br):
        """A Dense for each gate and side, transposed; a bias only where Flax has one."""
        of = lambda side, a, bias=None: {side: {"kernel": a.T, **({} if bias is None else {"bias": bias})}}
        if module.kind == "RNN":
            return {**of("i", w, bw + br), **of("h", r)}
        ws, rs, bws, brs = (halves(a, module.kind) for a in (w, r, bw, br))
        if module.kind == "GRU":
            r_z = {k: v for i, gate in enumerate("rz") for k, v in {**of("i" + gate, ws[i], bws[i] + brs[i]), **of("h" + gate, rs[i])}.items()}
            return {**r_z, **of("in", ws[2], bws[2]), **of("hn", rs[2], brs[2])}
        return {k: v for i, gate in enumerate("ifgo") for k, v in {**of("i" + gate, ws[i]), **of("h" + gate, rs[i], bws[i] + brs[i])}.items()}

    def direction(_, weights, x, h, c):
        variables = {"params": parameters(*weights)}

        @jax.jit
        def run(x, carry):
            return jax.lax.scan(lambda carry, x_t: cell.apply(variables, carry, x_t), carry, x)

        last, y = run(x, (c, h) if module.kind == "LSTM" else h)
        c, h = last if module.kind == "LSTM" else (c, last)
        return np.asarray(y), np.asarray(h), np.asarray(c)

    return of_layers(module, direction)


def by_equinox(module):
    import equinox
    import jax

    def direction(_, weights, x, h, c):
        w, r, bw, br = weights
        size = module.hidden_size
        made = {"GRU": equinox.nn.GRUCell, "LSTM": equinox.nn.LSTMCell}[module.kind](x.shape[2], size, key=jax.random.key(0))
        bias = bw + br
        if module.kind == "GRU":
            bias[2 * size :] = bw[2 * size :]
        leaves = [("weight_ih", w), ("weight_hh", r), ("bias", bias)] + ([("bias_n", br[2 * size :])] if module.kind == "GRU" else [])
        for name, value in leaves:
            made = equinox.tree_at(lambda cell, name=name: getattr(cell, name), made, jax.numpy.asarray(value))

        @jax.jit
        def run(x, state):
            def step(state, x_t):
                state = jax.vmap(made)(x_t, state)
                return state, state[0] if module.kind == "LSTM" else state

            return jax.lax.scan(step, state, x)

        last, y = run(x, (h, c) if module.kind == "LSTM" else h)
        h, c = last if module.kind == "LSTM" else (last, c)
        return np.asarray(y), np.asarray(h), np.asarray(c)

    return of_layers(module, direction)


# KERAS_ORDER[kind][k]: the position in PyTorch of block k of Keras.
KERAS_ORDER = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 1, 2, 3]}


def keras_layer(module, layers):
    size = module.hidden_size
    options = {"return_sequences": True, "return_state": True}
    if module.kind == "RNN":
        return layers.SimpleRNN(size, activation=module.nonlinearity, **options)
    return {"GRU": layers.GRU, "LSTM": layers.LSTM}[module.kind](size, **options)


def keras_weights(kind, w, r, bw, br, order=KERAS_ORDER):
    blocks = lambda a: np.concatenate([halves(a, kind)[i] for i in order[kind]])
    bias = np.stack([blocks(bw), blocks(br)]) if kind == "GRU" else blocks(bw) + blocks(br)
    return [np.ascontiguousarray(blocks(w).T), np.ascontiguousarray(blocks(r).T), bias]


def by_keras(module, weights_of=keras_weights, layers=None):
    import keras

    def direction(_, weights, x, h, c):
        layer = keras_layer(module, layers or keras.layers)
        layer.build((None, None, x.shape[2]))
        layer.set_weights(weights_of(module.kind, *weights))
        state = [h, c] if module.kind == "LSTM" else [h]
        y, h, *rest = layer(np.ascontiguousarray(x.transpose(1, 0, 2)), initial_state=state)
        return np.asarray(y).transpose(1, 0, 2), np.asarray(h), np.asarray(rest[0]) if rest else c

    return of_layers(module, direction)


def by_litert(cell_of):
    """A step as LiteRT computes it, converted from TensorFlow's functions in the cell's equations."""

    def run(module):
        import tensorflow as tf
        from ai_edge_litert.interpreter import Interpreter

        cell = cell_of(module, lambda a, w: tf.linalg.matmul(a, w, transpose_b=True), tf.sigmoid, tf.tanh, tf.nn.relu)

        def direction(_, weights, x, h, c):
            spec = lambda a: tf.TensorSpec(a.shape, tf.float32)

            @tf.function(input_signature=[spec(x[0]), spec(h), spec(c)])
            def step(x_t, h, c):
                return cell(*(tf.constant(w) for w in weights), x_t, h, c)

            concrete = step.get_concrete_function()
            model = tf.lite.TFLiteConverter.from_concrete_functions([concrete], step).convert()
            interpreter = Interpreter(model_content=model)
            interpreter.allocate_tensors()
            inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
            named = {name: next(d["index"] for d in inputs if d["name"] == name) for name in ("x_t", "h", "c")}
            ys = []
            for x_t in x:
                for name, index in named.items():
                    interpreter.set_tensor(index, {"x_t": x_t, "h": h, "c": c}[name])
                interpreter.invoke()
                h, *rest = (interpreter.get_tensor(d["index"]) for d in outputs)
                c = rest[0] if module.kind == "LSTM" else c
                ys.append(h)
            return np.stack(ys), h, c

        return of_layers(module, direction)

    return run
