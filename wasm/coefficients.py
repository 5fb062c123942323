"""Prints the coefficients of activations.ts: those of P in e^r = 1 + r + r² P(r) for |r| ≤ ln 2 / 2.

P is fitted at Chebyshev nodes.

    pip install mpmath && python wasm/coefficients.py
"""

import mpmath as mp

mp.mp.dps = 60
HALF = mp.log(2) / 2


def p(r):
    if abs(r) < mp.mpf("1e-12"):
        return mp.mpf(1) / 2 + r / 6
    return (mp.exp(r) - 1 - r) / r**2


for name, degree, digits in (("float64", 10, 17), ("float32", 5, 9)):
    fit, error = mp.chebyfit(p, [-HALF, HALF], degree + 1, error=True)
    print(f"{name}: error of P {mp.nstr(error, 3)}, coefficients from r^0 up")
    for c in reversed(fit):
        print("  " + mp.nstr(c, digits))
