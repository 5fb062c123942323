"""Writes isclose.json, with PyTorch 2.13: what torch.isclose says in float64, at the limit and beside it, and on NaN and infinity.

Each line: actual, expected, rtol, atol, equal_nan, close. NaN and infinities are strings that JavaScript's Number() reads.
"""

import itertools
import json
import math
import pathlib
import random

import torch

SEED = 1
random.seed(SEED)


def isclose(actual, expected, rtol, atol, equal_nan):
    a, b = (torch.tensor(value, dtype=torch.float64) for value in (actual, expected))
    return torch.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan).item()


def magnitude(low, high):
    return random.choice((-1, 1)) * random.uniform(1, 10) * 10.0 ** random.randint(low, high)


# The last value that is close, on either side of the expected one, and the first that is not.
rows = []
while len(rows) < 200:
    expected = 0.0 if random.random() < 0.05 else magnitude(-8, 6)
    rtol = random.choice((0.0, 1e-7, 1.3e-6, 1e-5, 0.016, abs(magnitude(-9, -1))))
    atol = random.choice((0.0, 1e-7, 1e-5, abs(magnitude(-9, 0))))
    if rtol == atol == 0:
        continue
    direction = random.choice((-math.inf, math.inf))
    allowed = atol + rtol * abs(expected)
    close = expected + math.copysign(allowed, direction)
    while not isclose(close, expected, rtol, atol, False):
        close = math.nextafter(close, expected)
    while isclose(beyond := math.nextafter(close, direction), expected, rtol, atol, False):
        close = beyond
    rows += [(close, expected, rtol, atol, False), (beyond, expected, rtol, atol, False)]

SPECIAL = (0.0, -0.0, 1.0, -1e308, 1e308, 5e-324, math.inf, -math.inf, math.nan)
TOLERANCES = ((0.0, 0.0), (1.0, 1e300))
for actual, expected, tolerances, equal_nan in itertools.product(SPECIAL, SPECIAL, TOLERANCES, (False, True)):
    rows.append((actual, expected, *tolerances, equal_nan))


def readable(value):
    if isinstance(value, bool) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


lines = [json.dumps([readable(value) for value in row] + [isclose(*row)]) for row in rows]
pathlib.Path(__file__).with_name("isclose.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
