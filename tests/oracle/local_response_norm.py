"""Golden values of kernels/local_response_norm from PyTorch, in float64: python3 tests/oracle/local_response_norm.py"""
import torch
import torch.nn.functional as F

X = [1.5, -2, 0.25, 8, -0.5, 3, 1, 0.5, -4, 2.5, 0.75, -1, 0, 2, -3, 0.125]
DY = [0.5, -1, 0.25, 2, -0.75, 1, -0.5, 0.25, 3, -2, 0.125, -1.5, 1, 0.5, -0.25, 2]


def show(name, t):
    print(f"{name}: {', '.join(f'{v:.15g}' for v in t.detach().flatten().tolist())}")


def golden(name, shape, size, **attrs):
    x = torch.tensor(X, dtype=torch.float64).reshape(shape).requires_grad_()
    y = F.local_response_norm(x, size, **attrs)
    y.backward(torch.tensor(DY, dtype=torch.float64).reshape(shape))
    show(f"{name} y", y), show(f"{name} dx", x.grad)
    # Where y is known, so is what x was divided by; 0 has the scale of a tiny number in its place.
    tiny = torch.where(x == 0, 1e-30, x).detach()
    show(f"{name} scale", (tiny / F.local_response_norm(tiny, size, **attrs)) ** (1 / attrs.get("beta", 0.75)))


golden("three", (2, 4, 2), 3, alpha=0.5)
golden("four", (1, 8, 2), 4, alpha=1, beta=0.5, k=2)
golden("wide", (2, 2, 2, 2), 9, alpha=0.25, beta=1.5)
