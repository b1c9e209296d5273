"""Golden values of kernels/binary and kernels/accumulate from PyTorch, in float64: python3 tests/oracle/binary.py"""
import torch

INF, NAN = float("inf"), float("nan")
A, B = [1.5, -2, 0.25, 8, -0.5, 3], [-0.5, 4, 0.125, -8, 0.75, 1]
TIED_B = [-0.5, -2, 0.125, 9, -0.5, 3]
BASES, EXPONENTS = [1.5, 2, 0.25, 8, 0.5, 3], [-0.5, 4, 1.5, 0, 0.75, 1]
SPECIAL_A = [NAN, 1, INF, INF, -INF, 0, 1, -1, -0.0, 1e-40, -1e-40, 2, 0, -0.0]
SPECIAL_B = [1, NAN, INF, -INF, 2, 0, 0, 0, -0.0, 2, 1e-40, -INF, -0.0, 0]
POWER_A = [-2, -2, -2, 0, 0, 0, NAN, 1, INF, -INF, 0.5, -0.0, -0.0, NAN, 4, 1e-40]
POWER_B = [3, 2, 0.5, 0, -1, 2, 0, NAN, -1, 3, INF, 3, -3, 1, NAN, 0.5]
DY = [1, -2, 0.5, 3, -1.5, 0.75, 2, -0.25, 4, 1, -3, 2.5, 1.25, 5, -0.5, 7]
OPS = {f.__name__: f for f in (torch.add, torch.sub, torch.mul, torch.div, torch.minimum, torch.maximum)}


def tensor(values, *shape):
    return torch.tensor(values, dtype=torch.float64).reshape(*shape)


def show(name, t):
    # The sign of a zero gradient is nobody's business.
    values = [0.0 if v == 0 and name.startswith("d") else v for v in t.detach().flatten().tolist()]
    print(f"  {name}: {{{', '.join(f'{v:.15g}' for v in values)}}}")


def show_gradients(name, op, a, b):
    leaves = [tensor(v, -1).requires_grad_() for v in (a, b)]
    op(*leaves).backward(tensor(DY[: len(a)], -1))
    for which, leaf in zip("ab", leaves):
        show(f"d{which} {name}", leaf.grad)


def show_function(op, a, b, special_a, special_b):
    print(op.__name__)
    show("same", op(tensor(a, 2, 3), tensor(b, 2, 3)))
    show("broadcast", op(tensor(a, 2, 3, 1), tensor(b[:4], 2, 1, 2)))
    show("ranks", op(tensor(a, 1, 2, 3), tensor(b[:3], 3)))
    a, b = tensor(special_a, -1), tensor(special_b, -1)
    y = op(a, b)
    if op in (torch.minimum, torch.maximum):  # PyTorch's CPU versions differ on 0 beside -0
        y[(a == 0) & (b == 0) & (a.signbit() != b.signbit())] = 0
    show("special", y)


def main():
    for op in OPS.values():
        show_function(op, A, B, SPECIAL_A, SPECIAL_B)
    show_gradients("tied", torch.maximum, A, TIED_B)
    show_gradients("special", torch.maximum, SPECIAL_A, SPECIAL_B)
    show_function(torch.pow, BASES, EXPONENTS, POWER_A, POWER_B)
    show_gradients("same", torch.pow, BASES, EXPONENTS)
    show_gradients("special", torch.pow, POWER_A, POWER_B)
    print("accumulate")
    show("sum", tensor(A, -1).add_(tensor(B, -1)))


main()
