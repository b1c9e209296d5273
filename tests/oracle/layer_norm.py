"""Golden values of kernels/layer_norm from PyTorch, in float64: python3 tests/oracle/layer_norm.py"""
import torch
import torch.nn.functional as F

X = [1.5, -2, 0.25, 8, -0.5, 3, 1, 0.5, -4, 2.5, 0.75, -1]
DY = [0.5, -1, 0.25, 2, -0.75, 1, -0.5, 0.25, 3, -2, 0.125, -1.5]
W, B = [0.5, -2, 1, 1.5, -1, 0.25], [0.25, 1, 0, -0.5, 2, -1]
FAR = [1000 + k / 512 for k in (3, -8, 1, 7, -2, 5, -6, 0, 4, -3)]  # deviation 0.0095; exact in float32


def tensor(values, *shape, grad=False):
    return torch.tensor(values, dtype=torch.float64).reshape(shape or -1).requires_grad_(grad)


def show(name, t):
    print(f"{name}: {', '.join(f'{v:.15g}' for v in t.detach().flatten().tolist())}")


def golden(name, x, axes, eps=1e-5, weights=True):
    shape = x.shape[axes:]
    w, b = tensor(W, *shape, grad=True), tensor(B, *shape, grad=True)
    y = F.layer_norm(x, shape, w if weights else None, b if weights else None, eps)
    v, m = torch.var_mean(x.flatten(axes), -1, unbiased=False)
    show(f"{name} y", y)
    show(f"{name} stats", torch.stack([m, torch.zeros_like(m), (v + eps).rsqrt()], -1))
    y.backward(tensor(DY, *x.shape))
    show(f"{name} dx", x.grad)
    if weights:
        show(f"{name} dweight", w.grad), show(f"{name} dbias", b.grad)


golden("all", tensor(X, 2, 3, 2, grad=True), 1)
golden("rows", tensor(X, 1, 2, 6, grad=True), 2, eps=0.5, weights=False)
far = tensor(FAR, 2, 5)
show("far y", F.layer_norm(far, (5,), eps=1e-3))
