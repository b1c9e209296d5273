"""Golden values of kernels/batch_norm from PyTorch, in float64: python3 tests/oracle/batch_norm.py"""
import torch
import torch.nn.functional as F

EPS, MOMENTUM = 1e-5, 0.1
X = [1.5, -2, 0.25, 8, -0.5, 3, 1, 0.5, -4, 2.5, 0.75, -1]  # (3, 2, 2): examples, channels, positions
W, B, MEAN, VAR = [0.5, -2], [0.25, 1], [0.5, -1], [2, 4]
RESIDUAL = [0.5, 0.25, -3, 1, 2, -1.5, 0, 0.125, 4, -0.5, -1, 2]
DY = [0.5, -1, 0.25, 2, -0.75, 1, -0.5, 0.25, 3, -2, 0.125, -1.5]


def tensor(values, *shape, grad=False):
    return torch.tensor(values, dtype=torch.float64).reshape(shape or -1).requires_grad_(grad)


def show(name, t):
    print(f"{name}: {', '.join(f'{v:.15g}' for v in t.detach().flatten().tolist())}")


def stats(x, eps=EPS):
    v, m = torch.var_mean(x.transpose(0, 1).flatten(1), 1, unbiased=False)
    return torch.stack([m, (v + eps).rsqrt()], 1)


def forward(name, x, w=None, b=None, eps=EPS, momentum=MOMENTUM):
    mean, var = tensor(MEAN), tensor(VAR)
    y = F.batch_norm(x, mean, var, w, b, True, momentum, eps)
    show(f"{name} y", y)
    show(f"{name} stats", stats(x, eps))
    show(f"{name} running_mean", mean)
    show(f"{name} running_var", var)
    return y


x, w, b = tensor(X, 3, 2, 2, grad=True), tensor(W, grad=True), tensor(B, grad=True)
y = forward("golden", x, w, b)
show("residual relu y", torch.relu(y + tensor(RESIDUAL, 3, 2, 2)))
y.backward(tensor(DY, 3, 2, 2))
show("dx", x.grad), show("dweight", w.grad), show("dbias", b.grad)
x.grad = w.grad = b.grad = None
zero = tensor([0] * 12, 3, 2, 2, grad=True)
torch.relu(F.batch_norm(x, None, None, w, b, True, 0, EPS) + zero).backward(tensor(DY, 3, 2, 2))
show("relu dx", x.grad), show("relu dweight", w.grad), show("relu dbias", b.grad), show("relu dz", zero.grad)
w.grad = b.grad = None
forward("half", tensor(X, 6, 2), eps=0.5, momentum=0.25)
forward("constant", torch.full((4, 2), 3.0, dtype=torch.float64), w.detach(), b.detach())
show("sums", torch.stack([x.transpose(0, 1).flatten(1).sum(1), x.square().transpose(0, 1).flatten(1).sum(1)], 1))
show("inference", F.batch_norm(x, tensor(MEAN), tensor(VAR), w, b, False, 0, EPS))
show("inference relu", torch.relu(F.batch_norm(x, tensor(MEAN), tensor(VAR), w, b, False, 0, EPS) + tensor(RESIDUAL, 3, 2, 2)))
for name, shape, scale in [("inference", (3, 2, 2), (w, b)), ("plain inference", (6, 2), (None, None))]:
    xi, eps = tensor(X, *shape, grad=True), EPS if scale[0] is not None else 0.5
    w.grad = b.grad = None
    F.batch_norm(xi, tensor(MEAN), tensor(VAR), *scale, False, 0, eps).backward(tensor(DY, *shape))
    show(f"{name} dx", xi.grad)
    if w.grad is not None:
        show(f"{name} dweight", w.grad), show(f"{name} dbias", b.grad)
x1 = tensor(X, 6, 2, grad=True)
F.batch_norm(x1, None, None, None, None, True, 0, EPS).backward(tensor(DY, 6, 2))
show("plain dx", x1.grad), show("plain stats", stats(x1))

# The mean far above the deviation, and not a float.
x5 = 1000 + tensor([3, -8, 1, 7, -2, 5, -6, 0, 4, -3], 5, 2) / 512
show("far stats", stats(x5))
normal = F.batch_norm(x5, None, None, None, None, True, 0, EPS)
show("far dweight", (tensor(DY[:10], 5, 2) * normal).sum(0)), show("far dbias", tensor(DY[:10], 5, 2).sum(0))

# tests/batch_norm_test.cpp: how far PyTorch's float32 is off where the mean is far above the deviation.
torch.manual_seed(1)
far = (1000 + 0.01 * torch.randn(33, 4, 16, 16, dtype=torch.float64)).float()
normalised = [F.batch_norm(x, None, None, None, None, True, 0, EPS).double() for x in (far, far.double())]
print(f"float32 error, mean 1000, deviation 0.01: {(normalised[0] - normalised[1]).abs().max().item():.2g}")
