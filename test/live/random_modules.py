"""Random recurrent modules with all of PyTorch's options, as cases for cellcheck: each with PyTorch's outputs, and again
with a fault in the reference.

    python random_modules.py OUT SEED FIRST COUNT SCALES

writes the cases FIRST … FIRST + COUNT - 1 of a seed as bundles into OUT, and prints a line of JSON for each. The weights
of PyTorch's own initialisation are multiplied by the SCALES in turn: "1", or "2,3".
"""

import copy
import json
import math
import pathlib
import random
import sys
import warnings

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "samples"))
from cellcheck_export import export_case, reference

KINDS = {"RNN": (nn.RNN, nn.RNNCell), "GRU": (nn.GRU, nn.GRUCell), "LSTM": (nn.LSTM, nn.LSTMCell)}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}

# cellcheck's default tolerances (rtol, atol) for references of each dtype.
TOLERANCES = {
    torch.float64: (1e-7, 1e-7),
    torch.float32: (1.3e-6, 1e-5),
    torch.float16: (2e-3, 2e-3),
    torch.bfloat16: (2e-2, 2e-2),
}

# In tolerances: changes with a smaller effect do not count as faults.
LEAST_EFFECT = 3
# Stands for infinity, which JSON lacks.
HUGE = 1e300


def log_uniform(choose, smallest, largest):
    return int(math.exp(choose.uniform(math.log(smallest), math.log(largest + 0.999))))


class RandomCase:
    """A module and its inputs."""

    def __init__(self, choose, scale):
        self.kind = choose.choice(list(KINDS))
        make, make_cell = KINDS[self.kind]
        self.dtype = choose.choices(list(TOLERANCES), [3, 5, 1, 1])[0]
        self.options = {"bias": choose.random() < 0.75}
        if self.kind == "RNN":
            narrow = self.dtype in (torch.float16, torch.bfloat16)
            self.options["nonlinearity"] = "tanh" if narrow or choose.random() < 0.6 else "relu"
        input_size, self.hidden_size = log_uniform(choose, 1, 130), log_uniform(choose, 1, 130)
        self.steps = log_uniform(choose, 1, 200)
        rows = [log_uniform(choose, 1, 6)] if choose.random() < 0.8 else []
        self.lengths = None
        self.time = 0
        if choose.random() < 0.15:
            looped = rows and choose.random() < 0.7
            shape = [self.steps, *rows] if looped else rows
            states = rows
            self.module = make_cell(input_size, self.hidden_size, **self.options)
        else:
            self.options["num_layers"] = choose.choice([1, 1, 2, 3, 4])
            self.options["bidirectional"] = choose.random() < 0.4
            self.options["batch_first"] = choose.random() < 0.5
            if self.kind == "LSTM" and self.hidden_size > 1 and choose.random() < 0.25:
                self.options["proj_size"] = log_uniform(choose, 1, self.hidden_size - 1)
            self.time = int(self.options["batch_first"] and bool(rows))
            shape = [*rows, self.steps] if self.time else [self.steps, *rows]
            states = [self.options["num_layers"] * (1 + self.options["bidirectional"]), *rows]
            self.module = make(input_size, self.hidden_size, **self.options)
            if rows and choose.random() < 0.3:
                self.lengths = [choose.randint(1, self.steps) for _ in range(rows[0])]
        with torch.no_grad():
            for weight in self.module.parameters():
                weight.mul_(scale)
        self.module = self.module.to(self.dtype).eval()
        self.tensors = {"input": torch.randn([*shape, input_size]).to(self.dtype)}
        if choose.random() < 0.5:
            size = self.options.get("proj_size") or self.hidden_size
            self.tensors["h_0"] = torch.rand([*states, size]).mul(2).sub(1).to(self.dtype)
            if self.kind == "LSTM":
                self.tensors["c_0"] = torch.randn([*states, self.hidden_size]).to(self.dtype)

    def outputs(self, module=None, lengths=None, dtype=None, tensors=None):
        """PyTorch's outputs; for another module, lengths, dtype or tensors, if they are given."""
        module, dtype = module or self.module, dtype or self.dtype
        tensors = {name: tensor.to(dtype) for name, tensor in (tensors or self.tensors).items()}
        with torch.no_grad():
            outputs = reference(copy.deepcopy(module).to(dtype), **tensors, lengths=lengths or self.lengths)
        return {name: tensor.clone() for name, tensor in outputs.items()}

    def truth(self):
        """The outputs in float64. For a float64 module: those for inputs that differ in their last bits."""
        if self.dtype != torch.float64:
            return self.outputs(dtype=torch.float64)
        last_bits = {name: tensor * (1 + 4e-16 * torch.randn_like(tensor)) for name, tensor in self.tensors.items()}
        return self.outputs(tensors=last_bits)

    def words(self):
        options = ", ".join(f"{name}={value}" for name, value in self.options.items())
        shapes = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in self.tensors.items())
        lengths = f", lengths {self.lengths}" if self.lengths else ""
        return f"{type(self.module).__name__} {self.hidden_size} ({options}), {self.dtype}, {shapes}{lengths}"


def in_tolerances(outputs, others, dtype):
    """The largest |difference| of two sets of outputs, in tolerances; HUGE where only one of two values is finite."""
    rtol, atol = TOLERANCES[dtype]
    worst = 0.0
    for name, tensor in outputs.items():
        a, b = tensor.double(), others[name].double()
        same = (a == b) | (a.isnan() & b.isnan())
        ratio = torch.where(same, 0.0, (a - b).abs() / (atol + rtol * a.abs()))
        worst = max(worst, ratio.nan_to_num(HUGE, HUGE).max().item())
    return worst


# Faults. Each function returns wrong outputs, or None where the fault does not apply to the case.


def one_element(case, choose, honest):
    name = choose.choice(list(honest))
    wrong = honest[name].clone(memory_format=torch.contiguous_format)
    at = choose.randrange(wrong.numel())
    value = wrong.view(-1)[at].item()
    rtol, atol = TOLERANCES[case.dtype]
    size = math.exp(choose.uniform(math.log(LEAST_EFFECT + 0.5), math.log(100))) * (atol + rtol * abs(value))
    wrong.view(-1)[at] = value + choose.choice([-size, size])
    return {**honest, name: wrong}


def one_weight(case, choose, honest):
    name = choose.choice([name for name, _ in case.module.named_parameters()])
    at = choose.randrange(case.module.get_parameter(name).numel())
    change = choose.choice([-1, 1]) * 10 ** choose.uniform(-4, 0)
    for _ in range(6):
        wrong = changed(case, lambda module: module.get_parameter(name).view(-1)[at].add_(change))
        if in_tolerances(wrong, honest, case.dtype) >= LEAST_EFFECT:
            return wrong
        change *= 5
    return None


def swapped_gates(case, choose, honest):
    gates = GATES[case.kind]
    if gates == 1:
        return None
    order = list(range(gates))
    a, b = choose.sample(order, 2)
    order[a], order[b] = b, a

    def swap(module):
        for name, weight in module.named_parameters():
            if "weight_hr" not in name:
                weight.copy_(torch.cat([weight.chunk(gates)[k] for k in order]))

    return changed(case, swap)


def dropped_bias(case, choose, honest):
    names = [name for name, _ in case.module.named_parameters() if "bias" in name]
    if not names:
        return None
    name = choose.choice(names)
    return changed(case, lambda module: module.get_parameter(name).zero_())


def shifted_step(case, choose, honest):
    return {**honest, "output": honest["output"].roll(1, case.time)} if "output" in honest else None


def swapped_directions(case, choose, honest):
    if not case.options.get("bidirectional"):
        return None
    forward, reverse = honest["output"].chunk(2, -1)
    return {**honest, "output": torch.cat([reverse, forward], -1)}


def ignored_lengths(case, choose, honest):
    if case.lengths is None:
        return None
    wrong = case.outputs(lengths=[case.steps] * len(case.lengths))
    return {**wrong, "output": wrong["output"].narrow(case.time, 0, honest["output"].shape[case.time])}


def changed(case, change):
    module = copy.deepcopy(case.module)
    with torch.no_grad():
        change(module)
    return case.outputs(module)


FAULTS = [one_element, one_weight, swapped_gates, dropped_bias, shifted_step, swapped_directions, ignored_lengths]


def inject(case, choose, honest, truth):
    """The name, effect and outputs of a fault that is large compared with both the computed and the exact outputs."""
    for fault in choose.sample(FAULTS, len(FAULTS)):
        wrong = fault(case, choose, honest)
        if wrong is None:
            continue
        effect = min(in_tolerances(wrong, other, case.dtype) for other in (honest, truth))
        if effect >= LEAST_EFFECT:
            return fault.__name__, effect, wrong
    return None


def write(out, seed, number, scales):
    choose = random.Random(f"{seed} {scales} {number}")
    torch.manual_seed(choose.getrandbits(40))
    scale = scales[number % len(scales)]
    case = RandomCase(choose, scale)
    honest, truth = case.outputs(), case.truth()
    prefix = choose.choice(["", "", "module.", "encoder.rnn."])
    state_dict = {prefix + name: tensor for name, tensor in case.module.state_dict().items()}
    if prefix:
        state_dict["head.weight"] = torch.randn(3, 5)
    line = {
        "number": number,
        "words": case.words(),
        "dtype": str(case.dtype).removeprefix("torch."),
        "scale": scale,
        # The error of PyTorch's own rounding, in tolerances.
        "error": in_tolerances(honest, truth, case.dtype),
        "honest": f"{number}.safetensors",
    }

    def export(path, outputs):
        options = {"lengths": case.lengths, "state_dict": state_dict, "prefix": prefix, "expected": outputs}
        export_case(case.module, **case.tensors, path=out / path, **options)

    export(line["honest"], honest)
    injected = inject(case, choose, honest, truth)
    if injected:
        line["fault"], line["effect"], wrong = injected
        line["faulty"] = f"{number}-faulty.safetensors"
        export(line["faulty"], wrong)
    print(json.dumps(line), flush=True)


def main():
    out, seed, first, count, scales = sys.argv[1:]
    torch.set_num_threads(1)
    # PyTorch warns that a projected LSTM takes a slower path, and that a packed sequence copies its lengths.
    warnings.simplefilter("ignore")
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for number in range(int(first), int(first) + int(count)):
        write(out, int(seed), number, [int(scale) for scale in scales.split(",")])


if __name__ == "__main__":
    main()
