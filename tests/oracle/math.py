"""Golden values of kernels/math from PyTorch, in float64: python3 tests/oracle/math.py"""
import torch

INF, NAN, TINY, LEAST = float("inf"), float("nan"), 2.0**-133, 2.0**-149
NAMES = {TINY: "kTiny", -TINY: "-kTiny", LEAST: "kLeast", INF: "kInf", -INF: "-kInf"}
X, POSITIVE = [-20, -1.5, 0.25, 0.75, 3, 11], [0.125, 0.5, 1, 2.5, 3, 40]
DY = [0.5, -1, 2, 1.5, -0.25, 4]
SPECIAL = [NAN, INF, -INF, -0.0, 0, TINY, -TINY, 3e38, -3e38, 1e-30, 100, -100]
FUNCTIONS = {
    "neg": (torch.neg, X, SPECIAL),
    "exp": (torch.exp, X, [NAN, INF, -INF, -0.0, 0, TINY, -TINY, 3e38, -3e38, 1e-30, 88, -100]),
    "log": (torch.log, POSITIVE, [NAN, INF, -INF, -0.0, 0, TINY, -1, 3e38, LEAST, 1e-30, 100, 1]),
    "square": (torch.square, X, [NAN, INF, -INF, -0.0, 0, TINY, 1e-30, 1e19, -1e19, 2.0**-66, 100, -100]),
    "sqrt": (torch.sqrt, POSITIVE, [NAN, INF, -INF, -0.0, 0, TINY, -TINY, 3e38, -1, 1e-30, 100, LEAST]),
    "abs": (torch.abs, X, SPECIAL),
    "clamp": (lambda x: torch.clamp(x, -0.4, 0.6), X, SPECIAL),
    "scale": (lambda x: x * -0.5 + 0.25, X, SPECIAL),
}
FROM_OUTPUT = ("exp", "sqrt")
SPECIAL_V = [NAN, INF, -INF, -0.0, 0, TINY, 1e-30, 2, 3, 0, 1, 1]
SPECIAL_DY = [1, 2, 3, 4, 5, 1e-3, 7, INF, -INF, INF, NAN, -0.0]
AT_V = {  # the gradients that autograd writes as formulas of the output, at any output
    "exp": lambda y, dy: dy * y,
    "sqrt": lambda y, dy: dy / (2 * y),
}


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def text(v):
    return "kNan" if v != v else NAMES.get(v, f"{v:.15g}" if v or str(v)[0] != "-" else "-0.0")


def show(name, values):
    print(f"constexpr double {name}[] = {{{', '.join(map(text, values))}}};")


def gradient(function, x, dy):
    leaf = tensor(x).requires_grad_()
    function(leaf).backward(tensor(dy))
    return leaf.grad.tolist()


def main():
    show("kX", X), show("kPositiveX", POSITIVE), show("kDy", DY)
    show("kSpecialX", SPECIAL), show("kSpecialV", SPECIAL_V), show("kSpecialDy", SPECIAL_DY)
    for name, (function, x, special) in FUNCTIONS.items():
        k = "k" + name.capitalize()
        show(k + "Y", function(tensor(x)).tolist())
        if special is not SPECIAL:
            show(k + "SpecialX", special)
        show(k + "SpecialY", function(tensor(special)).tolist())
        if name in ("neg", "scale"):
            continue
        if name == "clamp":
            function = lambda x: torch.clamp(x, -1.5, 3)
        show(k + "Dx", gradient(function, x, DY))
        v, dy = tensor(SPECIAL_V), tensor(SPECIAL_DY)
        show(k + "SpecialDx", AT_V[name](v, dy).tolist() if name in AT_V else gradient(function, SPECIAL_V, SPECIAL_DY))
    show("kReversedY", torch.clamp(tensor(X), 2, 1).tolist())


main()
