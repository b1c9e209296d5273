"""Golden values of kernels/bias from PyTorch, in float64: python3 tests/oracle/bias.py"""
import torch


def show(name, t):
    print(f"  {name}: {{{', '.join(f'{v:.15g}' for v in t.detach().flatten().tolist())}}}")


def main():
    x = (torch.arange(12, dtype=torch.float64).reshape(2, 2, 3) * 5 % 7 - 3) / 4
    dy = (torch.arange(12, dtype=torch.float64).reshape(2, 2, 3) * 3 % 11 - 5) / 4
    b = torch.tensor([0.5, -1.25], dtype=torch.float64, requires_grad=True)
    y = x + b[:, None]
    y.backward(dy)
    for name, t in {"x": x, "dy": dy, "y": y, "db": b.grad}.items():
        show(name, t)


main()
