"""Golden values of kernels/activation from PyTorch, in float64: python3 tests/oracle/activation.py"""
import torch
import torch.nn.functional as F

INF, NAN, TINY, LEAST = float("inf"), float("nan"), 1e-40, 2.0**-149
FUNCTIONS = {
    "leaky_relu": F.leaky_relu,
    "leaky_relu negative_slope=0.2": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "elu alpha=1.5": lambda x: F.elu(x, 1.5),
    "gelu": F.gelu,
    "gelu approximate=tanh": lambda x: F.gelu(x, approximate="tanh"),
    "softplus": F.softplus,
    "softplus beta=2 threshold=3": lambda x: F.softplus(x, 2, 3),
}
SPECIAL = [NAN, INF, -INF, -0.0, 0, TINY, -TINY, 3e38, -3e38, 1e-30, 100, -100]
SPECIAL_DY = [1, 2, 3, 4, -5, 6, 7, -8, 9, INF, NAN, 3e38]
DENORMAL = [NAN, TINY, -TINY, LEAST, -LEAST, -0.0]


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def show(name, t):
    print(f"  {name}: {{{', '.join(f'{v:.15g}' for v in t.detach().flatten().tolist())}}}")


def main():
    x = tensor([[-3.5, -1.5, -0.25], [0.75, 3, 25]])
    dy = tensor([[0.5, -1, 2], [1.5, -0.25, 4]])
    for name, function in FUNCTIONS.items():
        print(name)
        for kind, values, slopes in (("", x, dy), ("special ", tensor(SPECIAL), tensor(SPECIAL_DY))):
            leaf = values.clone().requires_grad_()
            y = function(leaf)
            y.backward(slopes)
            show(kind + "y", y)
            show(kind + "dx", leaf.grad)
        # F.elu is exp(x) - 1 up to PyTorch 2.0, which is 0 for these.
        alpha = float(function(tensor([-1e6])))
        show("denormal y", -alpha * torch.expm1(tensor(DENORMAL)) if "elu alpha" in name or name == "elu" else function(tensor(DENORMAL)))


main()
