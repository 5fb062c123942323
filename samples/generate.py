"""Makes every exported sample, with fixed seeds, from PyTorch.

    pip install torch==2.13.0 numpy onnx==1.23.2
    python samples/generate.py            into samples/
    python samples/generate.py OUT        into another folder
    python samples/generate.py OUT SEED   with other numbers

Not made here are notebook-*: their numbers were printed by a notebook, with four decimals.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from cellcheck_export import export_case, reference, save
from torch import nn

OUT = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 0

# The input of the notebook's systems.
STEPS = [[1.0, 1, 1], [1, 2, 1], [2, 3, 1], [1, 3, 1]]


class Seq2Seq(nn.Module):
    """A checkpoint with two modules and tensors that belong to neither."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.encoder = nn.ModuleDict({"lstm": nn.LSTM(6, 5, num_layers=2)})
        self.decoder = nn.ModuleDict({"gru": nn.GRU(6, 5)})
        self.head = nn.Linear(5, 11)


def notebook_systems():
    features = torch.tensor([STEPS])
    counting = torch.tensor([[[3.0], [4], [5]]])
    yield "rnn-basic", "One feature, one hidden unit: the smallest RNN.", nn.RNN(1, 1, bias=False, batch_first=True), counting
    yield "rnn-features", "Three features and one hidden unit.", nn.RNN(3, 1, batch_first=True), features
    yield "rnn-hidden", "Two hidden units that see each other.", nn.RNN(3, 2, batch_first=True), features
    yield (
        "rnn-bidirectional",
        "Both directions beside each other in the output.",
        nn.RNN(3, 2, batch_first=True, bidirectional=True),
        features,
    )
    yield "rnn-stacked", "Two layers, the second over the states of the first.", nn.RNN(3, 3, num_layers=2, batch_first=True), features
    yield "gru", "A GRU, with its gates r, z and n.", nn.GRU(3, 1, batch_first=True), features
    yield "lstm", "An LSTM: gates i, f, g, o, and a cell state.", nn.LSTM(3, 1, batch_first=True), features


def main():
    seed("notebook")
    for name, description, module, x in notebook_systems():
        export_case(module, x, OUT / name, description=description)

    seed("traits")
    export_case(
        nn.RNN(4, 6, nonlinearity="relu"),
        torch.randn(9, 2, 4),
        OUT / "rnn-relu",
        description="relu instead of tanh: states may grow beyond 1.",
    )
    export_case(
        nn.LSTM(4, 7, num_layers=2, proj_size=3, bidirectional=True),
        torch.randn(8, 2, 4),
        OUT / "lstm-projection",
        description="proj_size: h is weight_hr times the cell's output, c keeps its size.",
    )
    export_case(
        nn.GRU(3, 5, bidirectional=True, batch_first=True),
        torch.randn(4, 9, 3),
        OUT / "gru-lengths",
        lengths=[5, 9, 1, 7],
        description="Packed sequences: zeros beyond a row's length, where its reverse direction starts.",
    )
    export_case(
        nn.LSTM(3, 4, num_layers=2),
        torch.randn(6, 3, 3),
        OUT / "lstm-initial-state",
        h_0=torch.randn(2, 3, 4),
        c_0=torch.randn(2, 3, 4),
        description="h_0 and c_0 that are not zero.",
    )
    export_case(
        nn.GRU(5, 6, num_layers=3, bidirectional=True, dropout=0.5),
        torch.randn(12, 2, 5),
        OUT / "gru-three-layers",
        description="Three layers in both directions, trained with dropout, which is off here.",
    )
    export_case(
        nn.LSTM(6, 8).half(),
        torch.randn(10, 2, 6).half(),
        OUT / "lstm-float16",
        description="Weights and reference in float16.",
    )
    export_case(
        nn.GRU(6, 8).bfloat16(),
        torch.randn(10, 2, 6).bfloat16(),
        OUT / "gru-bfloat16",
        description="Weights and reference in bfloat16.",
    )
    export_case(
        nn.RNN(3, 5, num_layers=2, bidirectional=True).double(),
        torch.randn(15, 2, 3).double(),
        OUT / "rnn-float64",
        description="An RNN in float64, where only the last digits may differ.",
    )
    export_case(
        nn.GRU(4, 9, num_layers=2).double(),
        torch.randn(15, 3, 4).double(),
        OUT / "gru-float64",
        description="A GRU in float64, two layers of it.",
    )
    export_case(
        nn.LSTM(4, 7, bidirectional=True, batch_first=True).double(),
        torch.randn(3, 15, 4).double(),
        OUT / "lstm-float64",
        description="An LSTM in float64, in both directions.",
    )
    export_case(
        nn.RNN(3, 4),
        torch.randn(7, 3),
        OUT / "rnn-unbatched",
        description="A sequence without a batch dimension.",
    )
    export_case(
        nn.GRUCell(3, 4),
        torch.randn(6, 2, 3),
        OUT / "gru-cell",
        h_0=torch.randn(2, 4),
        description="A GRUCell called in a loop: its names have no _l0.",
    )
    model = Seq2Seq()
    export_case(
        model.encoder["lstm"],
        torch.randn(5, 2, 6),
        OUT / "lstm-prefix",
        state_dict=model.state_dict(),
        prefix="encoder.lstm.",
        description="One of two modules in a checkpoint, chosen by its prefix.",
    )
    export_case(
        nn.GRU(4, 8),
        torch.randn(500, 1, 4),
        OUT / "gru-long",
        description="500 steps, of which the table shows those that matter.",
    )
    export_case(
        nn.LSTM(3, 4),
        torch.randn(6, 2, 3),
        OUT / "bundles" / "lstm.safetensors",
        h_0=torch.randn(1, 2, 4),
        c_0=torch.randn(1, 2, 4),
    )
    json_bundle(nn.GRU(3, 4), torch.randn(6, 2, 3), OUT / "bundles" / "gru.json")
    failing()
    seed("layer outputs")
    layer_outputs(
        nn.GRU(4, 6, num_layers=3, bidirectional=True),
        torch.randn(10, 2, 4),
        OUT / "gru-layer-outputs",
        "The outputs of the layers below the last are known too: each layer is judged by itself.",
    )
    seed("files")
    files(OUT / "files")


class Tagger(nn.Module):
    """A model whose LSTM is one of its parts, as it is exported to ONNX."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 6)
        self.encoder = nn.ModuleDict({"lstm": nn.LSTM(6, 5, num_layers=2, bidirectional=True)})

    def forward(self, x):
        return self.encoder["lstm"](x)


def files(folder):
    """The same network in the files that people have: a training checkpoint, an ONNX export, NumPy arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    model = Tagger().eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(7, 2, 6)
    with torch.no_grad():
        output, (h_n, c_n) = model(x)
    checkpoint = {"epoch": 3, "model_state": model.state_dict(), "optimizer_state": optimizer.state_dict()}
    torch.save(checkpoint, folder / "model.pt")
    torch.onnx.export(model, (x,), folder / "model.onnx", dynamo=False)
    # A view of another order would be saved in that order.
    array = lambda tensor: np.ascontiguousarray(tensor.numpy())
    np.save(folder / "x.npy", array(x))
    np.savez(folder / "y.npz", output=array(output), h_n=array(h_n), c_n=array(c_n))


def layer_outputs(module, x, folder, description):
    """A case with the outputs of all layers, each run by itself over the output of the one below."""
    export_case(module, x, folder, description=description)
    outputs, below = {}, x
    for layer in range(module.num_layers - 1):
        one = type(module)(below.shape[-1], module.hidden_size, bidirectional=module.bidirectional)
        end = f"_l{layer}"
        one.load_state_dict(
            {name.replace(end, "_l0"): tensor for name, tensor in module.state_dict().items() if end in name}
        )
        below = evaluate(one, below)["output"]
        outputs[f"output{end}"] = below
    save(folder / "layers.safetensors", outputs, {})
    file = folder / "case.json"
    case = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**case, "layer_outputs": "layers.safetensors"}, indent=2) + "\n", encoding="utf-8")


def json_bundle(module, x, path):
    """The same as a .safetensors bundle, for people to read and for programs without a binary format."""
    tensors = {**module.state_dict(), "input": x, **evaluate(module, x)}
    bundle = {"case": {"module": type(module).__name__, "batch_first": module.batch_first}}
    bundle.update({name: tensor.tolist() for name, tensor in tensors.items()})
    path.write_text(json.dumps(bundle, indent=1) + "\n", encoding="utf-8")


def failing():
    """Cases that differ, each for one known reason; `injected.json` says what was done and where it first shows."""
    seed("failing")

    gru, x = nn.GRU(8, 16, num_layers=2, bidirectional=True), torch.randn(60, 4, 8)
    expected = inject(
        "gru-perturbed-step",
        "One value of the reference was changed at step 42.",
        gru,
        x,
        lambda: evaluate(gru, x),
        first_step=42,
    )
    expected["output"][42, 1, 5] += 1e-3
    save(OUT / "failing" / "gru-perturbed-step" / "expected.safetensors", expected, {})

    lstm, x = nn.LSTM(5, 6), torch.randn(12, 2, 5)

    def swapped():
        blocks = [1, 0, 2, 3]
        other = nn.LSTM(5, 6)
        other.load_state_dict(
            {name: torch.cat([tensor.chunk(4)[k] for k in blocks]) for name, tensor in lstm.state_dict().items()}
        )
        return evaluate(other, x)

    inject(
        "lstm-swapped-gates",
        "The reference took the rows of the gates i and f for each other.",
        lstm,
        x,
        swapped,
        first_step=0,
    )

    rnn, x = nn.RNN(4, 5), torch.randn(10, 3, 4)

    def forgotten():
        other = nn.RNN(4, 5)
        other.load_state_dict({**rnn.state_dict(), "bias_hh_l0": torch.zeros(5)})
        return evaluate(other, x)

    inject("rnn-forgotten-bias", "The reference was computed without bias_hh.", rnn, x, forgotten, first_step=0)

    lstm2, x2 = nn.LSTM(4, 5), torch.randn(11, 3, 4)
    inject(
        "lstm-ignored-lengths",
        "The reference ran over the padding: lengths were ignored.",
        lstm2,
        x2,
        lambda: evaluate(lstm2, x2),
        first_step=6,
        lengths=[11, 6, 9],
    )

    gru2, x3 = nn.GRU(6, 12), torch.randn(40, 2, 6)
    edited = nn.GRU(6, 12)
    edited.load_state_dict(gru2.state_dict())
    with torch.no_grad():
        edited.weight_ih_l0[17, 3] *= 1.05
    inject(
        "gru-edited-weight",
        "One weight in the file is 1.05 times what the reference was computed with.",
        edited,
        x3,
        lambda: evaluate(gru2, x3),
        first_step=0,
    )


def evaluate(module, x):
    with torch.no_grad():
        return reference(module.eval(), x)


def inject(name, description, module, x, wrong, first_step, lengths=None):
    folder = OUT / "failing" / name
    export_case(module, x, folder, lengths=lengths, description=description)
    expected = wrong()
    save(folder / "expected.safetensors", expected, {})
    record = {"what": description, "first_step": first_step}
    (folder / "injected.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    return expected


def seed(text):
    torch.manual_seed(SEED * 1000 + sum(text.encode()))



if __name__ == "__main__":
    main()
