"""Random recurrent modules as notebooks print them, with every print option of torch, numpy and Python.

    python printed_cases.py OUT SEED COUNT

writes COUNT cases into OUT, a folder for each, and prints a line of JSON for each. expected.txt has PyTorch's outputs.
In off.txt every number is wrong by ten times as much as printing and float32 can hide from a reader.
"""

import copy
import json
import math
import pathlib
import random
import re
import sys

import numpy
import torch
from safetensors.torch import save_file
from torch import nn

# How wrong off.txt is, as a multiple of what is hidden.
TIMES = 10
# A generous relative bound of the rounding of float32.
ROUNDING = 2**-22
# The number of perturbed inputs and weights that are tried, to see how far the outputs move.
TRIED = 8
LARGEST = 1e30
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?(\d*)|\.(\d+))(?:e([-+]?\d+))?")


def numbers(text):
    """For each number in the text: its value, the number of its decimals, and its exponent."""
    return [
        (float(match[0]), len(match[1] or match[2] or ""), int(match[3] or 0)) for match in NUMBER.finditer(text)
    ]


class Torch:
    """A tensor printed by torch, with its print options."""

    is_repr = True

    def __init__(self, choose):
        profile = choose.choice([None, None, "default", "short", "full"])
        sci_mode = choose.choice([None, None, True, False])
        self.options = {
            "profile": profile,
            "precision": None if profile and choose.random() < 0.5 else choose.randint(1, 8),
            "sci_mode": sci_mode,
            "linewidth": choose.randint(40, 200),
            "threshold": 10**9,
        }
        self.decimals = self.options["precision"] or (2 if profile == "short" else 4)
        self.show = choose.choice([repr, str])
        self.made = choose.choice(["tensor", "tensor", "result", "parameter"])
        self.kind = "torch" if sci_mode is None else f"torch sci_mode={sci_mode}"

    def text(self, tensor):
        torch.set_printoptions(profile="default")
        torch.set_printoptions(**self.options)
        if self.made == "result":
            tensor = tensor.clone().requires_grad_().clone()
        if self.made == "parameter":
            tensor = nn.Parameter(tensor)
        return self.show(tensor)

    def units(self, text):
        """For each number the unit of its last digit. Whole numbers show no decimals, but are as precise as others."""
        found = numbers(text)
        most = max(decimals for _, decimals, _ in found) or self.decimals
        return [10.0 ** (exponent - most) for _, _, exponent in found]


class Numpy:
    """A tensor printed as an array of numpy."""

    def __init__(self, choose):
        self.dtype = choose.choice([numpy.float32, numpy.float32, numpy.float64])
        self.way = choose.choice(["repr", "repr", "str", "array2string"])
        self.is_repr = self.way == "repr"
        self.separator = choose.choice([" ", ", ", ","])
        self.options = {"linewidth": choose.randint(40, 200), "threshold": sys.maxsize}
        self.kind = f"numpy {self.way} {self.choose_options(choose)}"

    def choose_options(self, choose):
        self.options.update(precision=choose.randint(1, 17), suppress=choose.random() < 0.5)
        if choose.random() < 0.2:
            # The legacy mode has no floatmode `unique`.
            self.options.update(legacy="1.13", floatmode="maxprec")
            return "legacy"
        floatmode = choose.choice(["fixed", "unique", "maxprec", "maxprec_equal"])
        self.options.update(floatmode=floatmode, sign=choose.choice(" +-"))
        return floatmode

    def text(self, tensor):
        array = tensor.numpy().astype(self.dtype)
        with numpy.printoptions(**self.options):
            if self.way == "array2string":
                return numpy.array2string(array, separator=self.separator)
            return numpy.array_repr(array) if self.way == "repr" else numpy.array_str(array)

    def units(self, text):
        """Trailing zeros are omitted: the number with the most decimals shows how many there were."""
        found = numbers(text)
        most = max(decimals for _, decimals, _ in found)
        return [10.0 ** (exponent - most) for _, _, exponent in found]


class Formatted(Numpy):
    """An array whose numbers are printed with a format of Python."""

    DIGITS = {"{:g}": 6, "{:.5g}": 5, "{:e}": None, "{:.3f}": None}

    def choose_options(self, choose):
        form = choose.choice(list(self.DIGITS))
        self.digits = self.DIGITS[form]
        self.options["formatter"] = {"float": form.format}
        return form

    def units(self, text):
        if self.digits is None:
            return super().units(text)
        found = [abs(value) for value, _, _ in numbers(text)]
        smallest = min((value for value in found if value), default=1)
        return [10.0 ** (math.floor(math.log10(value or smallest)) - self.digits + 1) for value in found]


class Lists(Numpy):
    """A tensor printed as nested lists of Python's floats."""

    is_repr = True

    def __init__(self, choose):
        self.rounded = choose.random() < 0.5
        self.kind = "round(4).tolist()" if self.rounded else ".tolist()"

    def text(self, tensor):
        array = tensor.numpy().astype(numpy.float64)
        return repr((array.round(4) if self.rounded else array).tolist())


def any_style(choose):
    return choose.choices([Torch, Numpy, Formatted, Lists], [5, 5, 2, 2])[0](choose)


class Shown:
    """An object with this text as its repr, so that Python prints the text inside a container."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class Printed:
    """
    The tensors of one file as text, with what can be read from it: the values, and half a unit of the last digit of
    each. `form`, from 0 to 1, selects one of the layouts that these tensors can have in a file.
    """

    def __init__(self, tensors, styles, form):
        texts = {name: styles[name].text(tensor) for name, tensor in tensors.items()}
        shown = {name: Shown(text) for name, text in texts.items()}
        forms = ["\n".join(f"{name} = {text}" for name, text in texts.items())]
        if all(style.is_repr for style in styles.values()):
            forms += [repr(shown), f"OrderedDict({shown!r})", f"OrderedDict({list(shown.items())!r})"]
        if list(texts) in (["input"], ["output"]):
            forms.append(*texts.values())
        self.text = forms[int(form * len(forms))]
        self.values, self.halves = {}, {}
        for name, text in texts.items():
            shape = tensors[name].shape
            values = [value for value, _, _ in numbers(text)]
            self.values[name] = torch.tensor(values, dtype=torch.float64).reshape(shape)
            self.halves[name] = torch.tensor(styles[name].units(text), dtype=torch.float64).reshape(shape) / 2


class Exact:
    """The tensors of a binary file, which hides nothing."""

    def __init__(self, tensors):
        self.values = {name: tensor.double() for name, tensor in tensors.items()}
        self.halves = {name: torch.zeros_like(tensor) for name, tensor in self.values.items()}


class Case:
    def __init__(self, choose):
        self.kind = choose.choice(["RNN", "RNN", "GRU", "LSTM"])
        self.options = {
            "num_layers": choose.choice([1, 1, 2]),
            "bidirectional": choose.random() < 0.25,
            "batch_first": choose.random() < 0.5,
        }
        if self.kind == "RNN":
            self.options["nonlinearity"] = choose.choice(["tanh", "relu"])
        size, hidden = choose.randint(1, 5), choose.randint(1, 6)
        steps, batch = choose.randint(1, 12), choose.randint(1, 3)
        self.module = getattr(nn, self.kind)(size, hidden, **self.options).eval().requires_grad_(False)
        factor = 10 ** choose.uniform(-1, 0.7) if choose.random() < 0.5 else 1
        for weight in self.module.parameters():
            weight.mul_(factor)
        self.input = torch.randn([batch, steps, size] if self.options["batch_first"] else [steps, batch, size])
        if choose.random() < 0.1:
            self.input.mul_(4).round_()
        self.magnitudes = "one magnitude" if choose.random() < 0.5 else self.scale(choose, size)
        self.words = f"{self.kind}({size}, {hidden}, {self.options}), {steps} steps, batch {batch}"

    def scale(self, choose, size):
        """Multiplies a part of the input or weights. Weights may be divided by the same factor as the input."""
        factor = 10 ** choose.uniform(-8, 8)
        what = choose.choice(["feature", "input", "weights", "column"])
        if what in ("feature", "input"):
            part = choose.randrange(size) if what == "feature" else slice(None)
            self.input[..., part] *= factor
            if choose.random() < 0.4:
                return f"{what} scaled"
            for name, weight in self.module.named_parameters():
                if name in ("weight_ih_l0", "weight_ih_l0_reverse"):
                    weight[:, part] /= factor
            return f"{what} scaled, and back"
        weight = choose.choice(list(self.module.parameters()))
        if what == "column":
            weight = weight[..., choose.randrange(weight.shape[-1])]
        weight *= factor
        return f"{what} scaled"

    def outputs(self, weights=None, input=None):
        """PyTorch's outputs in float32, or in float64 for other weights and another input."""
        module, x = self.module, self.input
        if weights is not None:
            module, x = copy.deepcopy(module).double(), input
            module.load_state_dict(weights)
        output, states = module(x)
        if self.kind != "LSTM":
            return {"output": output, "h_n": states}
        return {"output": output, "h_n": states[0], "c_n": states[1]}

    def shifts(self, honest, weights, input):
        """
        For each output, how far the reference may be from the output that follows from the numbers that can be read.
        Tries the exact numbers, and others that are printed alike or differ by less than the rounding of float32.
        """
        read = self.outputs(weights.values, *input.values.values())
        tried = [honest]
        for _ in range(TRIED):
            tried.append(self.outputs(corner(weights), *corner(input).values()))
        return {
            name: max(ROUNDING * tensor.abs().max().item(), *(farthest(read[name], one[name]) for one in tried))
            for name, tensor in honest.items()
        }


def signs(tensor):
    return torch.randint(0, 2, tensor.shape).mul(2).sub(1)


def corner(file):
    """The numbers that were read, each moved up or down at random by as much as is possible."""
    return {
        name: value + signs(value) * (file.halves[name] + ROUNDING * value.abs()) for name, value in file.values.items()
    }


def farthest(a, b):
    return (a.double() - b.double()).abs().max().item()


def shown_off(off, honest, hidden, styles, form):
    """The text of the wrong numbers; None where they overflow, or where printing hides it (9.9e+00 and 1.0e+01)."""
    if not all(tensor.isfinite().all() for tensor in off.values()):
        return None
    read = Printed(off, styles, form)
    plain = any(
        ((read.values[name] - tensor).abs() > read.halves[name] + TIMES / 2 * hidden[name]).any()
        for name, tensor in honest.items()
    )
    return read.text if plain else None


def hides(hidden, honest):
    """How much of the largest number is hidden, in words."""
    share = max((hidden[name].max() / tensor.abs().max()).item() for name, tensor in honest.items())
    limit = next((limit for limit in (1e-6, 1e-4, 1e-2, 1) if share < limit), None)
    return f"hides less than {limit:g}" if limit else "hides all"


def drawn(choose):
    """A random case with finite outputs, and the number of cases that were discarded before it."""
    for vain in range(1000):
        case = Case(choose)
        outputs = case.outputs()
        if all((tensor.abs() < LARGEST).all() for tensor in outputs.values()):
            return case, outputs, vain
    raise ValueError("every case overflows")


def write(out, seed, number):
    choose = random.Random(f"printed {seed} {number}")
    torch.manual_seed(choose.getrandbits(40))
    case, outputs, vain = drawn(choose)
    names = choose.sample(list(outputs), choose.randint(1, len(outputs)))
    honest = {name: outputs[name] for name in names}
    files = {"weights": dict(case.module.state_dict()), "input": {"input": case.input}, "expected": honest}
    exact = choose.choices([[], ["weights", "input"], ["weights"], ["input"]], [6, 3, 1, 1])[0]

    by = choose.choices(["case", "file", "tensor"], [5, 3, 2])[0]
    one = any_style(choose)
    styles = {}
    for role, tensors in files.items():
        of_file = one if by == "case" else any_style(choose)
        styles[role] = {name: any_style(choose) if by == "tensor" else of_file for name in tensors}

    folder = out / str(number)
    folder.mkdir(parents=True)
    read, paths, form = {}, {}, choose.random()
    for role, tensors in files.items():
        paths[role] = f"{role}.{'safetensors' if role in exact else 'txt'}"
        if role in exact:
            read[role] = Exact(tensors)
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / paths[role])
        else:
            read[role] = Printed(tensors, styles[role], form)
            (folder / paths[role]).write_text(read[role].text)

    shifts = case.shifts(honest, read["weights"], read["input"])
    hidden = {name: read["expected"].halves[name] + shift for name, shift in shifts.items()}
    off = {name: (tensor + TIMES * hidden[name] * signs(tensor)).float() for name, tensor in honest.items()}
    faulty = shown_off(off, honest, hidden, styles["expected"], form)
    if faulty:
        (folder / "off.txt").write_text(faulty)

    argv = ["--weights", paths["weights"], "--input", paths["input"]]
    argv.append("--batch-first" if case.options["batch_first"] else "--no-batch-first")
    if case.options.get("nonlinearity") == "relu":
        argv += ["--nonlinearity", "relu"]
    line = {
        "number": number,
        "words": case.words,
        "kinds": sorted({style.kind for style in styles["expected"].values()}),
        "options": f"options by {by}",
        "exact": f"exact {' and '.join(exact) or 'nothing'}",
        "magnitudes": case.magnitudes,
        "hides": hides(hidden, honest),
        "constant": all(tensor.unique().numel() == 1 for tensor in honest.values()),
        "vain": vain,
        "off": faulty is not None,
        "argv": argv,
    }
    (folder / "line.json").write_text(json.dumps(line, indent=1))
    print(json.dumps(line), flush=True)


def main():
    out, seed, count = sys.argv[1:]
    torch.set_num_threads(1)
    for number in range(int(count)):
        write(pathlib.Path(out), int(seed), number)


if __name__ == "__main__":
    main()
