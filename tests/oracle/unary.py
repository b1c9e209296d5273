"""Golden values of kernels/unary from PyTorch, in float64: python3 tests/oracle/unary.py"""
import torch

INF, NAN, TINY, LEAST = float("inf"), float("nan"), 1e-40, 2.0**-149
SCALE = 1.7159
FUNCTIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "scaled_tanh": lambda x: SCALE * torch.tanh(2 / 3 * x),
}
GRADIENTS = {
    "relu": lambda y, dy: torch.ops.aten.threshold_backward(dy, y, 0),
    "tanh": lambda y, dy: torch.ops.aten.tanh_backward(dy, y),
    "sigmoid": lambda y, dy: torch.ops.aten.sigmoid_backward(dy, y),
    "scaled_tanh": lambda y, dy: torch.ops.aten.tanh_backward(dy, y / SCALE) * (2 / 3 * SCALE),
}
SPECIAL = [NAN, INF, -INF, -0.0, 0, TINY, -TINY, 3e38, -3e38, 1e-30, 100, -100]
DENORMAL = [NAN, TINY, -TINY, LEAST, -LEAST, -0.0]
SMOOTH_DY = [1, 2, 3, 4, -5, 6, INF, NAN, INF, -INF, 3e38, -0.0]
SPECIAL_GRADIENTS = {
    "relu": ([NAN, INF, 0, -0.0, TINY, 3e38, 1, 1, 0, 0, 1e-30, 1], [1, 2, 3, 4, 5, -6, NAN, INF, NAN, -INF, -0.0, 3e38]),
    "tanh": ([NAN, 1, -1, -0.0, 0, TINY, 1, 0.5, 0.5, 0, 0.5, 0.5], SMOOTH_DY),
    "sigmoid": ([NAN, 1, 0, 0.5, 0.5, TINY, 1, 0.5, 0.5, 0, 0.5, 0.5], SMOOTH_DY),
    "scaled_tanh": ([NAN, SCALE, -SCALE, -0.0, 0, TINY, 0.25, 0.5, 0.5, 0, 0.5, 0.5], SMOOTH_DY),
}


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def show(name, t):
    print(f"  {name}: {{{', '.join(f'{v:.15g}' for v in t.detach().flatten().tolist())}}}")


def main():
    x = tensor([[-20, -1.5, 0.25], [0.75, 3, 11]])
    dy = tensor([[0.5, -1, 2], [1.5, -0.25, 4]])
    show("x", x)
    show("dy", dy)
    for name, function in FUNCTIONS.items():
        print(name)
        leaf = x.clone().requires_grad_()
        y = function(leaf)
        y.backward(dy)
        show("y", y)
        show("dx", leaf.grad)
        show("special y", function(tensor(SPECIAL)))
        show("denormal y", function(tensor(DENORMAL)))
        show("special dx", GRADIENTS[name](*map(tensor, SPECIAL_GRADIENTS[name])))


main()
