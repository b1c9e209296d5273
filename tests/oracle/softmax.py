"""Golden values of kernels/softmax from PyTorch, in float64: python3 tests/oracle/softmax.py"""
import torch

INF, NAN = float("inf"), float("nan")
X = [1, -2, 0.5, 0.25, 3, -1, 2, 2, -0.5, 0, -3, 1.5]
DY = [0.5, -1, 2, 1.5, -0.25, 4, 0, 1, -2, 0.75, 3, -0.5]
SPECIAL = [NAN, 1, 2, INF, 1, 2, -INF, 1, 2, -INF, -INF, -INF, 1000, -1000, 999, -0.0, 0, 2.0**-133]
NAMES = {2.0**-133: "kTiny", INF: "kInf", -INF: "-kInf"}


def text(v):
    return "kNan" if v != v else NAMES.get(v, f"{v:.15g}" if v or str(v)[0] != "-" else "-0.0")


def show(name, tensor):
    print(f"constexpr double {name}[] = {{{', '.join(map(text, tensor.flatten().tolist()))}}};")


def main():
    x = torch.tensor(X, dtype=torch.float64).reshape(1, 2, 3, 2)
    dy = torch.tensor(DY, dtype=torch.float64).reshape(1, 2, 3, 2)
    special = torch.tensor(SPECIAL, dtype=torch.float64).reshape(6, 3)
    show("kX", x), show("kDy", dy), show("kSpecialX", special)
    for name, function in (("Softmax", torch.softmax), ("LogSoftmax", torch.log_softmax)):
        for axis, dim in (("Middle", 2), ("Last", -1)):
            leaf = x.clone().requires_grad_()
            y = function(leaf, dim)
            y.backward(dy)
            show(f"k{name}{axis}Y", y.detach())
            show(f"k{name}{axis}Dx", leaf.grad)
        show(f"k{name}SpecialY", function(special, -1))


main()
