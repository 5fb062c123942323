"""Writes state_dicts in every form that cellcheck reads, with the real libraries, and prints as JSON what is where.

    forms.py OUT SEED
"""

import argparse
import collections
import copy
import io
import json
import pathlib
import sys
import textwrap
import zipfile

import numpy as np
import safetensors.torch
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils import weight_norm as older_weight_norm


class Model(nn.Module):
    """A small model with a recurrent module in it."""

    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, x):
        return self.rnn(x)


def modules():
    """Modules of every kind, in every dtype."""
    size = lambda: int(torch.randint(1, 9, ()))
    two = lambda: (size(), size())
    made = {
        "rnn": nn.RNN(*two()),
        "rnn-relu": nn.RNN(*two(), nonlinearity="relu"),
        "rnn-stacked": nn.RNN(*two(), num_layers=3, bidirectional=True),
        "rnn-no-bias": nn.RNN(*two(), bias=False),
        "gru": nn.GRU(*two()),
        "gru-stacked": nn.GRU(*two(), num_layers=2),
        "gru-bidirectional": nn.GRU(*two(), bidirectional=True),
        "gru-no-bias": nn.GRU(*two(), bias=False, batch_first=True),
        "lstm": nn.LSTM(*two()),
        "lstm-stacked": nn.LSTM(*two(), num_layers=3),
        "lstm-bidirectional": nn.LSTM(*two(), bidirectional=True),
        "lstm-both": nn.LSTM(*two(), num_layers=2, bidirectional=True, batch_first=True),
        "lstm-no-bias": nn.LSTM(*two(), bias=False),
        "lstm-projected": nn.LSTM(size(), 5, proj_size=3),
        "lstm-projected-both": nn.LSTM(size(), 5, proj_size=2, num_layers=2, bidirectional=True),
        "lstm-one": nn.LSTM(1, 1),
        "lstm-large": nn.LSTM(70, 64),
        "rnn-cell": nn.RNNCell(*two()),
        "rnn-cell-relu": nn.RNNCell(*two(), nonlinearity="relu"),
        "gru-cell": nn.GRUCell(*two()),
        "lstm-cell": nn.LSTMCell(*two()),
        "lstm-cell-no-bias": nn.LSTMCell(*two(), bias=False),
    }
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        name = str(dtype).replace("torch.", "")
        made[f"lstm-{name}"] = nn.LSTM(*two(), num_layers=2).to(dtype)
        made[f"gru-{name}"] = nn.GRU(*two(), bidirectional=True).to(dtype)
        made[f"rnn-cell-{name}"] = nn.RNNCell(*two()).to(dtype)
    return made


# Forms of what torch.save writes.


def legacy(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def in_memory(value, path):
    # The archive has another folder in it where torch.save does not know the file's name.
    buffer = io.BytesIO()
    torch.save(value, buffer)
    path.write_bytes(buffer.getvalue())


def without_checksums(value, path):
    torch.serialization.set_crc32_options(False)
    torch.save(value, path)
    torch.serialization.set_crc32_options(True)


def aligned(value, path):
    from torch.utils.serialization import config

    before = config.save.storage_alignment
    config.save.storage_alignment = 4096
    torch.save(value, path)
    config.save.storage_alignment = before


def rezipped(source, path, change=lambda name, data: data, compression=zipfile.ZIP_STORED, extra=None):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, data in (extra or {}).items():
            new.writestr(name, data)


def deflated(value, path):
    torch.save(value, path)
    rezipped(io.BytesIO(path.read_bytes()), path, compression=zipfile.ZIP_DEFLATED)


def item_sizes(value):
    """The bytes of an element of each storage, in the order in which torch.save meets and numbers them."""
    sizes = {}
    visit(value, lambda tensor: sizes.setdefault(tensor.untyped_storage()._cdata, tensor.element_size()))
    return list(sizes.values())


def visit(value, found):
    if torch.is_tensor(value):
        found(value)
    elif isinstance(value, dict):
        for member in value.values():
            visit(member, found)


def big_endian(value, path):
    """As PyTorch writes it on a big-endian machine."""
    torch.save(value, path)
    sizes = item_sizes(value)

    def change(name, data):
        _, _, key = name.partition("/data/")
        if key:
            data = np.frombuffer(data, np.uint8).reshape(-1, sizes[int(key)])[:, ::-1].tobytes()
        return b"big" if name.endswith("/byteorder") else data

    rezipped(io.BytesIO(path.read_bytes()), path, change)
    # PyTorch itself reads it as what it was.
    again, originals = [], []
    visit(torch.load(path), again.append)
    visit(value, originals.append)
    assert all(torch.equal(bits(a), bits(b)) for a, b in zip(again, originals, strict=True)), path


def bits(tensor):
    return torch.from_numpy(np.frombuffer(bytes_of(tensor), np.uint8).copy())


def bytes_of(tensor):
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def protocol(number, **options):
    return lambda value, path: torch.save(value, path, pickle_protocol=number, **options)


SAVED = {
    "new.pt": lambda value, path: torch.save(value, path),
    "legacy.pt": legacy,
    "buffer.pth": in_memory,
    "protocol-3.pt": protocol(3),
    "aligned.pt": aligned,
    "deflated.pt": deflated,
    "big-endian.pt": big_endian,
}


def sharded(tensors, folder, ending, save):
    """In three files with an index, as Hugging Face's libraries write them."""
    folder.mkdir()
    stem = "model" if ending == "safetensors" else "pytorch_model"
    count = min(3, len(tensors))
    weight_map = {}
    for k in range(count):
        name = f"{stem}-{k + 1:05}-of-{count:05}.{ending}"
        part = {key: tensors[key] for i, key in enumerate(tensors) if i % count == k}
        save(part, folder / name)
        weight_map.update({key: name for key in part})
    index = folder / f"{stem}.{ending}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return index


# What PyTorch's own reader of tensors alone does not take either.
REFUSED = {
    "protocol-4.ckpt": protocol(4),
    "protocol-5.pt": protocol(5),
    "legacy-4.bin": protocol(4, _use_new_zipfile_serialization=False),
}


NUMPY = {torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8}


def contiguous(tensors):
    return {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}


def write_forms(folder, model):
    """A model's state_dict in every form: which files there are, and what stands before its names in each."""
    folder.mkdir(parents=True)
    tensors = model.state_dict()
    safetensors.torch.save_file(contiguous(tensors), folder / "reference.safetensors")
    forms = []

    def form(file, before="", others=0):
        forms.append({"file": file, "before": before, "others": others})

    for file, save in SAVED.items():
        save(tensors, folder / file)
        form(file)
    torch.save(dict(model.named_parameters()), folder / "parameters.pt")
    form("parameters.pt")

    optimizer = torch.optim.Adam(model.parameters())
    nested = {
        "step": 7,
        "epoch": 1.5,
        "model_state": tensors,
        "optimizer_state": optimizer.state_dict(),
        "config": {"name": "x", "sizes": [1, 2], "flag": None},
        "rng": torch.get_rng_state(),
    }
    for file in ("new.pt", "legacy.pt", "deflated.pt", "protocol-3.pt"):
        SAVED[file](nested, folder / f"nested-{file}")
        form(f"nested-{file}", "model_state.", 1)
    parallel = nn.DataParallel(model).state_dict()
    torch.save(parallel, folder / "parallel.pt")
    form("parallel.pt", "module.")
    legacy({"state_dict": parallel}, folder / "parallel-nested.pt")
    form("parallel-nested.pt", "state_dict.module.")

    torch.jit.save(torch.jit.script(model.eval()), folder / "scripted.pt")
    form("scripted.pt")

    for ending, save in (("safetensors", lambda part, path: safetensors.torch.save_file(contiguous(part), path)),
                         ("bin", lambda part, path: torch.save(part, path))):
        sharded(tensors, folder / f"sharded-{ending}", ending, save)
        form(f"sharded-{ending}")
        form(next(str(path.relative_to(folder)) for path in (folder / f"sharded-{ending}").glob("*.index.json")))

    if all(tensor.dtype in NUMPY for tensor in tensors.values()):
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        np.savez(folder / "arrays.npz", **arrays)
        np.savez_compressed(folder / "compressed.npz", **arrays)
        # In Fortran's order and with the other byte order.
        others = {name: np.asfortranarray(array).astype(array.dtype.newbyteorder()) for name, array in arrays.items()}
        np.savez(folder / "others.npz", **others)
        for file in ("arrays.npz", "compressed.npz", "others.npz"):
            form(file)
    listed = {
        name: {"dtype": str(tensor.dtype), "shape": list(tensor.shape), "data": tensor.double().reshape(-1).tolist()}
        for name, tensor in tensors.items()
    }
    (folder / "nested.json").write_text(json.dumps({"step": 7, "model": {"state": listed}}))
    form("nested.json", "model.state.")
    return forms


def views():
    """Tensors that are not simply stored one after the other."""
    storage = torch.randn(1000)
    matrix = torch.randn(5, 7)
    halves = torch.arange(-(2**15), 2**15).to(torch.int16)
    special = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 5e-324, 1e-45, 3.4e38])
    attributed = torch.randn(2, 3)
    attributed.note = "an attribute"
    parameter = nn.Parameter(torch.randn(3, 2))
    parameter.numbers = {"a": [1, 2.5, None, True], "size": torch.Size([1, 2])}
    backward = torch.randn(4, requires_grad=True)
    return collections.OrderedDict(
        {
            "transposed": matrix.t().contiguous().t(),
            "transposed again": matrix.t(),
            "the whole": matrix,
            "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
            "expanded": torch.randn(1, 4).expand(3, 4),
            "expanded one": torch.randn(()).expand(2, 5),
            "slice": storage[100:148].view(4, 3, 4),
            "slice of the same": storage[120:130],
            "every third": storage[7:500:3],
            "column": matrix[:, 2],
            "block": matrix[1:4, 2:6],
            "row of a row": matrix[2][3:],
            "element": matrix[4, 6],
            "diagonal": torch.randn(6, 6).diagonal(),
            "shared": storage,
            "shared too": storage,
            "strided": torch.as_strided(torch.arange(22.0), (3, 4), (2, 5), 1),
            "overlapping": torch.arange(10.0).unfold(0, 4, 2),
            "one axis of size 1": torch.randn(3, 1, 2).transpose(0, 1),
            "no elements": torch.empty(0),
            "no rows": torch.empty(0, 5),
            "no columns": torch.empty(3, 0, 2, dtype=torch.float64),
            "no elements of a storage": storage[5:5],
            "a number": torch.tensor(2.5),
            "a float64": torch.tensor(1 / 3, dtype=torch.float64),
            "an int64": torch.tensor(-(2**53), dtype=torch.int64),
            "parameter": nn.Parameter(torch.randn(2, 2)),
            "frozen": nn.Parameter(torch.randn(2, 2), requires_grad=False),
            "requires grad": backward,
            "result": (backward * 2).detach(),
            "attributed": attributed,
            "parameter with attributes": parameter,
            "buffer": nn.Buffer(torch.randn(3)),
            "float16": halves.clone().view(torch.float16),
            "bfloat16": halves.clone().view(torch.bfloat16).view(256, 256).t(),
            "float32": special,
            "float64": torch.cat([special.double(), torch.randn(5, dtype=torch.float64)]),
            "int64": torch.randint(-(2**40), 2**40, (3, 3)).t(),
            "int32": torch.randint(-(2**31), 2**31 - 1, (5,), dtype=torch.int32),
            "int16": halves,
            "int8": torch.arange(-128, 128).to(torch.int8),
            "uint8": torch.arange(256).to(torch.uint8)[::2],
            "a name.with points/and ünicode": torch.randn(2),
        }
    )


def write_views(folder):
    folder.mkdir(parents=True)
    tensors = views()
    safetensors.torch.save_file(contiguous(tensors), folder / "reference.safetensors")
    forms = []
    for file, save in SAVED.items():
        save(tensors, folder / file)
        forms.append({"file": file, "before": "", "others": 0})
    arrays = {
        name.replace("/", "-"): tensor.detach().numpy() for name, tensor in tensors.items() if tensor.dtype in NUMPY
    }
    # Without bfloat16, which NumPy lacks.
    for file, save in (("views.npz", np.savez), ("views-compressed.npz", np.savez_compressed)):
        save(folder / file, **arrays)
    safetensors.torch.save_file(
        {name.replace("/", "-"): tensor for name, tensor in contiguous(tensors).items() if tensor.dtype in NUMPY},
        folder / "reference-of-arrays.safetensors",
    )
    forms += [
        {"file": file, "before": "", "others": 0, "reference": "reference-of-arrays.safetensors"}
        for file in ("views.npz", "views-compressed.npz")
    ]
    return forms


# What torch.load(weights_only=True) refuses.

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 4)

    def forward(self, x):
        return self.rnn(x)
"""


def write_refused(folder):
    folder.mkdir(parents=True)
    (folder / "net.py").write_text(textwrap.dedent(NET))
    sys.path.insert(0, str(folder))
    from net import Net

    net = Net()
    options = argparse.Namespace(lr=0.1, layers=[1, 2])
    values = {
        "module.pt": (net, ""),
        "legacy module.pt": (net, ""),
        "it's a dict.ckpt": ({"epoch": 3, "model": net, "optimizer": None}, "model."),
        "namespace.pth": ({"args": options, "state_dict": net.state_dict(), "history": [0.5, 0.25]}, "state_dict."),
        "parallel.pt": (nn.DataParallel(net), "module."),
        "listed.pt": ({"args": options, "models": [net.state_dict(), net.state_dict()]}, "models.0."),
        "pair.pt": ((options, net.state_dict()), "1."),
    }
    safetensors.torch.save_file(contiguous(net.state_dict()), folder / "reference.safetensors")
    for file, (value, _) in values.items():
        (legacy if file.startswith("legacy") else SAVED["new.pt"])(value, folder / file)
        assert is_refused(folder / file), file
    return [{"file": file, "before": before} for file, (_, before) in values.items()]


def is_refused(path):
    try:
        torch.load(path, weights_only=True)
        return False
    except Exception:
        return True


def write_rare(folder):
    """What torch.save writes with options that hardly anybody takes."""
    folder.mkdir()
    tensors = Model(nn.LSTM(3, 4)).state_dict()
    safetensors.torch.save_file(contiguous(tensors), folder / "reference.safetensors")
    without_checksums(tensors, folder / "without-checksums.pt")
    assert not is_refused(folder / "without-checksums.pt")
    for file, save in REFUSED.items():
        save(tensors, folder / file)
        assert is_refused(folder / file), file


# Cases from end to end.


def outputs(module, x, state=None):
    with torch.no_grad():
        output, state = module(x) if state is None else module(x, state)
    states = state if isinstance(state, tuple) else (state,)
    return {"output": output, **dict(zip(("h_n", "c_n"), states))}


def rows_of(output, batch_first):
    """The output as rows, a blank line between batch rows."""
    if output.dim() == 2:
        return [output.tolist()]
    return (output if batch_first else output.transpose(0, 1)).tolist()


def savetxt(format, **options):
    def write(path, blocks):
        with open(path, "w") as file:
            for i, block in enumerate(blocks):
                file.write("\n" if i else "")
                np.savetxt(file, np.array(block), fmt=format, **options)

    return write


def printf(format, separator, end="\n"):
    """As a loop of printf writes it: a separator behind every number."""

    def write(path, blocks):
        text = end.join("".join("".join(format % v + separator for v in row) + end for row in block) for block in blocks)
        path.write_bytes(text.encode())

    return write


def with_index(path, blocks):
    """As pandas.DataFrame.to_csv writes it."""
    (block,) = blocks
    lines = [",".join(["", *map(str, range(len(block[0])))])]
    lines += [",".join([str(step), *map(repr, row)]) for step, row in enumerate(block)]
    path.write_text("\n".join(lines) + "\n")


TEXTS = {
    "decimals.csv": savetxt("%.6f", delimiter=","),
    "digits.csv": savetxt("%.9g", delimiter=","),
    "spaces.txt": savetxt("%.9g"),
    "default.txt": savetxt("%.18e"),
    "named.csv": savetxt("%.7f", delimiter=",", header="unit of each column"),
    "tabs.tsv": savetxt("%.8f", delimiter="\t"),
    "printf-commas.csv": printf("%.6f", ","),
    "printf-spaces.csv": printf("%f ", ", "),
    "printf-semicolons.csv": printf("%.9e", ";", "\r\n"),
    "printf-blanks.txt": printf("%12.7f", " "),
    "index.csv": with_index,
}


def write_expected(folder, reference, batch_first):
    """Every form of the expected outputs: the files' names, or what a case.json says instead."""
    folder.mkdir()
    blocks = rows_of(reference["output"], batch_first)
    np.savez(folder / "all.npz", **{name: tensor.numpy() for name, tensor in reference.items()})
    np.savez_compressed(folder / "states.npz", **{n: t.numpy() for n, t in reference.items() if n != "output"})
    np.save(folder / "output.npy", reference["output"].numpy())
    torch.save(reference, folder / "all.pt")
    state = tuple(reference[name] for name in ("h_n", "c_n") if name in reference)
    torch.save((reference["output"], state if len(state) == 2 else state[0]), folder / "returned.pt")
    (folder / "lists.json").write_text(json.dumps({name: tensor.tolist() for name, tensor in reference.items()}))
    expected = {file: file for file in ("all.npz", "states.npz", "output.npy", "all.pt", "returned.pt", "lists.json")}
    for file, write in TEXTS.items():
        if file == "index.csv" and len(blocks) > 1:
            continue
        write(folder / file, blocks)
        expected[file] = file
    raw = {}
    for name, tensor in reference.items():
        (folder / f"{name}.raw").write_bytes(bytes_of(tensor))
        raw[name] = {
            "file": f"{name}.raw",
            "dtype": str(tensor.dtype).replace("torch.", ""),
            "shape": list(tensor.shape),
        }
    expected["raw"] = raw
    expected["raw output"] = raw["output"]
    expected["a file each"] = {"output": "decimals.csv", "h_n": raw["h_n"]}
    return expected


def spoilt(reference):
    """The same with one wrong number in each tensor."""
    wrong = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in reference.items()}
    for tensor in wrong.values():
        at = int(torch.randint(tensor.numel(), ()))
        tensor.view(-1)[at] += 1e-2
    return wrong


def case_modules():
    return {
        "lstm": nn.LSTM(3, 4),
        "lstm-both": nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        "gru": nn.GRU(4, 3, num_layers=2, batch_first=True),
        "rnn": nn.RNN(3, 5),
        "rnn-relu": nn.RNN(3, 4, nonlinearity="relu", bidirectional=True),
        "lstm-float64": nn.LSTM(2, 4, proj_size=3).double(),
    }


def write_cases(root):
    cases = []
    for name, module in case_modules().items():
        dtype = next(module.parameters()).dtype
        for batch in (None, 1, 3):
            folder = root / f"{name}-{batch or 'unbatched'}"
            folder.mkdir(parents=True)
            steps = 6
            shape = [steps, batch] if batch else [steps]
            if batch and module.batch_first:
                shape = [batch, steps]
            x = torch.randn(*shape, module.input_size).to(dtype)
            np.save(folder / "input.npy", x.numpy())
            (folder / "input.raw").write_bytes(bytes_of(x))
            torch.save(module.state_dict(), folder / "weights.pt")
            reference = outputs(module, x)
            options = {"module": type(module).__name__, "batch_first": bool(batch and module.batch_first)}
            if isinstance(module, nn.RNN):
                options["nonlinearity"] = module.nonlinearity
            raw_input = {"file": "input.raw", "dtype": str(dtype), "shape": list(x.shape)}
            for right in (True, False):
                inside = folder / ("right" if right else "wrong")
                expected = write_expected(inside, reference if right else spoilt(reference), module.batch_first)
                cases.append(
                    {"folder": str(inside), "right": right, "options": options, "input": raw_input, "expected": expected}
                )
    return cases


# What stores other tensors than a module has.


class WeightDrop(nn.Module):
    """Of awd-lstm-lm (https://github.com/salesforce/awd-lstm-lm): the raw weights are the module's own parameters."""

    def __init__(self, module, names):
        super().__init__()
        self.module = module
        for name in names:
            weight = getattr(module, name)
            del module._parameters[name]
            module.register_parameter(f"{name}_raw", nn.Parameter(weight.data))


class WeightDropout(nn.Module):
    """Of fastai: the raw weights stand beside the module, which has what was left of them at last."""

    def __init__(self, module, names):
        super().__init__()
        self.module = module
        for name in names:
            weight = getattr(module, name)
            self.register_parameter(f"{name}_raw", nn.Parameter(weight.data))
            module._parameters[name] = nn.functional.dropout(weight.data, 0.5, training=True)


def randomised(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1 + torch.rand_like(parameter))
    return module


def write_effective(root):
    """Cases whose weights are computed from others, with PyTorch's outputs."""
    root.mkdir()
    cases = []

    def case(name, state_dict, module, x, state=None, prefix=""):
        folder = root / name
        folder.mkdir()
        torch.save(state_dict, folder / "weights.pt")
        np.save(folder / "input.npy", x.numpy())
        if isinstance(module, (nn.LSTMCell, nn.GRUCell, nn.RNNCell)):
            with torch.no_grad():
                result = module(x)
            states = result if isinstance(result, tuple) else (result,)
            reference = dict(zip(("h_n", "c_n"), states))
        else:
            reference = outputs(module, x)
        np.savez(folder / "expected.npz", **{key: tensor.detach().numpy() for key, tensor in reference.items()})
        cases.append({"folder": str(folder), "prefix": prefix})

    x = torch.randn(6, 2, 3)
    for make in (nn.LSTM, nn.GRU, nn.RNN):
        for dim in (0, None, 1):
            kind = f"{make.__name__.lower()}-{dim}"
            names = ["weight_hh_l0", "weight_ih_l0"]
            normed = make(3, 4)
            for name in names:
                older_weight_norm(normed, name, dim=dim)
            randomised(normed)
            case(f"older-{kind}", normed.state_dict(), normed, x)

            normed = make(3, 4)
            for name in names[:1] if dim == 1 else names:
                parametrizations.weight_norm(normed, name, dim=dim)
            randomised(normed)
            # nn.LSTM keeps its weights from before the parametrization; a plain one with the present weights does not.
            plain = make(3, 4)
            plain.load_state_dict({name: getattr(normed, name).detach().clone() for name, _ in plain.named_parameters()})
            case(f"parametrized-{kind}", Model(normed).state_dict(), plain, x, prefix="rnn.")
    for make in (nn.LSTMCell, nn.GRUCell, nn.RNNCell):
        for dim in (0, None, 1):
            kind = f"{make.__name__.lower()}-{dim}"
            normed = make(3, 4)
            for name in ("weight_hh", "weight_ih"):
                parametrizations.weight_norm(normed, name, dim=dim)
            case(f"parametrized-{kind}", randomised(normed).state_dict(), normed, x[0])
            normed = make(3, 4)
            for name in ("weight_hh", "weight_ih"):
                older_weight_norm(normed, name, dim=dim)
            case(f"older-{kind}", randomised(normed).state_dict(), normed, x[0])
    double = older_weight_norm(nn.LSTM(3, 4, num_layers=2, bidirectional=True).double(), "weight_hh_l1_reverse")
    case("older-double", randomised(double).state_dict(), double, x.double())

    for drop in (WeightDrop, WeightDropout):
        for names in (["weight_hh_l0"], ["weight_hh_l0", "weight_hh_l1", "weight_ih_l0"]):
            module = nn.LSTM(3, 4, num_layers=2)
            plain = copy.deepcopy(module)
            holder = nn.ModuleDict({"encoder": drop(module, names)})
            case(f"{drop.__name__}-{len(names)}", holder.state_dict(), plain, x, prefix="encoder.module.")
    return cases


def write_checkpoints(folder):
    """A checkpoint with several dicts of the same names, and files to compare with it."""
    folder.mkdir()
    model = nn.ModuleDict({"encoder": nn.ModuleDict({"lstm": nn.LSTM(3, 4)}), "head": nn.Linear(4, 2)})
    average = copy.deepcopy(model)
    with torch.no_grad():
        average.encoder.lstm.weight_hh_l0[5, 1] += 0.3
    torch.save({"model_state": model.state_dict(), "ema": average.state_dict(), "step": 3}, folder / "checkpoint.pt")
    safetensors.torch.save_file(contiguous(model.state_dict()), folder / "model.safetensors")
    safetensors.torch.save_file(contiguous(average.state_dict()), folder / "average.safetensors")
    x = torch.randn(5, 2, 3)
    np.save(folder / "input.npy", x.numpy())
    for name, one in (("model", model), ("average", average)):
        np.savez(folder / f"{name}.npz", **{n: t.numpy() for n, t in outputs(one.encoder.lstm, x).items()})


def main():
    out, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    forms = {name: write_forms(out / "forms" / name, Model(module)) for name, module in modules().items()}
    forms["views"] = write_views(out / "forms" / "views")
    write_rare(out / "rare")
    write_checkpoints(out / "checkpoints")
    written = {
        "forms": forms,
        "refused": write_refused(out / "refused"),
        "cases": write_cases(out / "cases"),
        "effective": write_effective(out / "effective"),
    }
    print(json.dumps(written))


if __name__ == "__main__":
    main()
