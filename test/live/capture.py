"""Models as people build them, captured while they run.

    python capture.py OUT SEED

writes the cases of each model into a folder of OUT/models, and OUT/overwritten with a case that two runs wrote. Prints
a JSON object: `modules` has the cases that each model should have, with the module of each, `checks` whether each
promise of the context manager was kept, `errors` the messages for models of which nothing ran.
"""

import json
import pathlib
import sys
import warnings

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "samples"))
from cellcheck_export import RECURRENT, capture


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.rnn = nn.RNN(size, size, nonlinearity="relu", batch_first=True)

    def forward(self, x):
        return x + self.rnn(self.norm(x))[0]


class Speech(nn.Module):
    """Its recurrent modules are three modules deep: encoder.blocks.0.rnn."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleDict({"blocks": nn.Sequential(Block(6), Block(6))})
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.encoder["blocks"](x))


class Tagger(nn.Module):
    """A stacked bidirectional LSTM over sequences of several lengths."""

    def __init__(self, batch_first, enforce_sorted=False):
        super().__init__()
        self.batch_first = batch_first
        self.enforce_sorted = enforce_sorted
        self.lstm = nn.LSTM(5, 4, num_layers=3, bidirectional=True, batch_first=batch_first)

    def forward(self, x, lengths, hx=None):
        packed = pack_padded_sequence(x, lengths, self.batch_first, self.enforce_sorted)
        return pad_packed_sequence(self.lstm(packed, hx=hx)[0])[0]


class Decoder(nn.Module):
    """Two Cells in a loop, of which the second has an initial state."""

    def __init__(self):
        super().__init__()
        self.attention = nn.LSTMCell(3 + 4, 5)
        self.output = nn.GRUCell(5, 4)

    def forward(self, x, h):
        state = None
        for step in x:
            state = self.attention(torch.cat([step, h], dim=-1), state)
            h = self.output(input=state[0], hx=h)
            yield h


class Applied(nn.Module):
    """A module under the name `rnn`, applied to what it is called with."""

    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, *args):
        return self.rnn(*args)


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.source = nn.GRU(3, 4)
        self.target = self.source

    def forward(self, x):
        return self.target(x)


class BothWays(nn.Module):
    """A Cell that runs over a sequence in both directions at once."""

    def __init__(self):
        super().__init__()
        self.cell = nn.RNNCell(3, 4)

    def forward(self, x):
        there, back = torch.zeros(x.shape[1], 4), torch.ones(x.shape[1], 4)
        for forward, backward in zip(x, x.flip(0)):
            there, back = self.cell(forward, there), self.cell(backward, back)


def models():
    """A folder's name, a model, what runs it, and its cases: a list of modules, or the module of each case."""
    model = Speech()
    x = torch.randn(2, 7, 6)
    yield "deep", model, lambda: model(x), ["encoder.blocks.0.rnn", "encoder.blocks.1.rnn"]

    for batch_first in (False, True):
        tagger = Tagger(batch_first)
        x, lengths = torch.randn([4, 9, 5] if batch_first else [9, 4, 5]), torch.tensor([5, 9, 1, 7])
        hx = torch.randn(6, 4, 4), torch.randn(6, 4, 4)
        yield f"packed-{batch_first}", tagger, lambda: tagger(x, lengths, hx), ["lstm"]

    sorted_tagger = Tagger(False, enforce_sorted=True)
    yield "sorted", sorted_tagger, lambda: sorted_tagger(torch.randn(6, 3, 5), [6, 4, 2]), ["lstm"]

    gru = Applied(nn.GRU(3, 5, num_layers=2, batch_first=True))
    yield "batch-first", gru, lambda: gru(torch.randn(2, 8, 3), torch.randn(2, 2, 5)), ["rnn"]

    decoder = nn.ModuleDict({"decoder": Decoder()})

    def decode():
        for rows in ([2], [2], []):
            list(decoder["decoder"](torch.randn(5, *rows, 3), torch.randn(*rows, 4)))

    cells = ("decoder.attention", "decoder.output")
    yield "decoder", decoder, decode, {f"{cell}{run}": cell for cell in cells for run in ("", "-2", "-3")}

    both = BothWays()
    yield "both-ways", both, lambda: both(torch.randn(6, 2, 3)), {"cell": "cell", "cell-2": "cell"}

    projected = Applied(nn.LSTM(4, 7, num_layers=2, proj_size=3, bidirectional=True, bias=False))
    yield "projection", projected, lambda: projected(torch.randn(8, 2, 4)), ["rnn"]

    itself = nn.LSTM(3, 4)
    yield "itself", itself, lambda: itself(torch.randn(6, 2, 3)), {"lstm": ""}

    normed = nn.LSTM(3, 4, num_layers=2)
    for name in ("weight_ih_l0", "weight_hh_l1"):
        normed = weight_norm(normed, name)
    # Magnitudes that a fresh parametrization does not have, so that only effective weights give these outputs.
    for name, parameter in normed.named_parameters():
        if name.endswith("original0"):
            nn.init.uniform_(parameter, 0.5, 2)
    normed = Applied(normed)
    yield "weight-norm", normed, lambda: normed(torch.randn(6, 2, 3)), ["rnn"]

    # The name that the second run of a module would have is another module's.
    twice = nn.ModuleDict({"rnn": nn.GRU(3, 4), "rnn-2": nn.GRU(3, 4)})
    inputs = [torch.randn(steps, 2, 3) for steps in (4, 6)]
    names = {"rnn": "rnn", "rnn-3": "rnn", "rnn-2": "rnn-2", "rnn-2-2": "rnn-2"}
    yield "twice", twice, lambda: [module(x) for module in twice.values() for x in inputs], names

    double = Applied(nn.RNN(3, 5, num_layers=11).double())
    yield "float64", double, lambda: double(torch.randn(5, 2, 3).double()), ["rnn"]

    half = Applied(nn.GRU(3, 5, num_layers=2).half())
    yield "float16", half, lambda: half(torch.randn(5, 2, 3).half()), ["rnn"]

    view = Applied(nn.GRU(3, 5))
    wide = torch.randn(2, 3, 9)
    yield "view", view, lambda: view(wide.permute(2, 0, 1), torch.randn(2, 5, 1).permute(2, 0, 1)), ["rnn"]

    unbatched = Applied(nn.LSTM(3, 4, num_layers=2, batch_first=True))
    hx = torch.randn(2, 4), torch.randn(2, 4)
    yield "unbatched", unbatched, lambda: unbatched(torch.randn(7, 3), hx), ["rnn"]

    dropout = nn.Sequential(nn.Dropout(0.5), Applied(nn.GRU(3, 5, num_layers=3, dropout=0.5))).train()
    yield "dropout", dropout, lambda: dropout(torch.randn(6, 2, 3)), ["1.rnn"]

    shared = Shared()
    yield "shared", shared, lambda: shared(torch.randn(5, 2, 3)), ["source"]

    # Tensors that are written over after use, as a model with a buffer does, and outside of any gradient.
    reused = Applied(nn.GRU(3, 4))

    def reuse():
        buffer = torch.randn(5, 2, 3)
        output, _ = reused(buffer)
        buffer.zero_()
        output.fill_(9)

    yield "reused", reused, torch.inference_mode()(reuse), ["rnn"]


def hooks_of(model):
    return [list(module._forward_hooks.values()) for module in model.modules()]


def flags_of(model):
    return [module.training for module in model.modules()]


def raises(model, path, run):
    """Whether an exception in the block gets out of it as it is."""
    try:
        with capture(model, path):
            run()
            raise KeyError("the model's own")
    except KeyError:
        return True
    except RuntimeError:
        pass
    return False


def checks(out):
    """What the context manager promises, each with whether it holds."""
    model = nn.Sequential(nn.Dropout(0.5), nn.GRU(3, 4), nn.Sequential(nn.GRU(3, 4), nn.LSTM(3, 4)))
    # Flags that neither train() nor eval() of any part restores at once, and a hook of the user's own.
    model.train()
    model[2].eval()
    model[2][1].train()
    model[1].register_forward_hook(lambda module, args, result: None)
    hooks, flags = hooks_of(model), flags_of(model)
    recurrent = [isinstance(module, RECURRENT) for module in model.modules()]
    x = torch.randn(5, 2, 3)

    with capture(model, out / "restored"):
        inside, hooked = flags_of(model), hooks_of(model)
        model[1](x)
    yield "evaluates in the block", not any(inside)
    yield "hooks the recurrent modules", [len(b) - len(a) for a, b in zip(hooks, hooked)] == recurrent
    yield "restores training flags", flags_of(model) == flags
    yield "removes its hooks only", hooks_of(model) == hooks

    yield "passes an exception on", raises(model, out / "raised", lambda: model[1](x))
    yield "restores training flags after an exception", flags_of(model) == flags
    yield "removes its hooks after an exception", hooks_of(model) == hooks
    yield "writes nothing after an exception", not (out / "raised").exists()
    yield "puts no error in the place of another", raises(nn.Linear(2, 2), out / "raised", lambda: None)

    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            with capture(model, out / "gradients"):
                has_gradient = model[1](x)[0].requires_grad
            yield f"leaves the grad mode {enabled}", has_gradient == torch.is_grad_enabled() == enabled

    stacked = nn.GRU(3, 4, num_layers=2)
    with capture(stacked, out / "random"):
        stacked(x)
        before = torch.get_rng_state()
    yield "draws no random numbers", torch.equal(before, torch.get_rng_state())

    for steps in (9, 4):
        with capture(stacked, out / "overwritten"):
            stacked(torch.randn(steps, 2, 3))


def error_of(model):
    try:
        with capture(model, "never"):
            pass
    except RuntimeError as error:
        return str(error)
    return None


def main():
    out = pathlib.Path(sys.argv[1])
    torch.manual_seed(int(sys.argv[2]))
    # PyTorch warns that a projected LSTM takes a slower path.
    warnings.simplefilter("ignore")
    modules = {}
    for folder, model, run, cases in models():
        with capture(model, out / "models" / folder):
            run()
        modules[folder] = cases if isinstance(cases, dict) else {name: name for name in cases}
    held = dict(checks(out))
    errors = [error_of(nn.Sequential(nn.Linear(2, 2))), error_of(nn.ModuleDict({"idle": nn.GRU(2, 2)}))]
    print(json.dumps({"modules": modules, "checks": held, "errors": errors}))


if __name__ == "__main__":
    main()
