"""Golden values of kernels/reduce from PyTorch, in float64: python3 tests/oracle/reduce.py"""
import torch

INF, NAN = float("inf"), float("nan")
OPS = {"sum": torch.sum, "mean": torch.mean, "amax": torch.amax, "amin": torch.amin}
# (2, 2, 3, 2): two examples of (2, 3, 2)
X = [1.5, -2, 0.25, 3, 2.5, -0.5, -1, 0.75, -1.25, 2, 1.75, -3, -4, 0.5, 1, -0.25, 6, -5, 0.125, 8, 7, -8, 5, -6]
TIES = [1.5, -2, 0.25, 3, 3, -0.5, -1, 0.75, -1, 2, 2, 2, -4, 0.5, 1, -4, 6, -4, 0.125, 8, 8, -8, 5, -8]
DY = [1, -2, 0.5, 3, -1.5, 0.75, 2, -0.25, 4, 1, -3, 2.5]
SPECIAL = [NAN, 1, 2, INF, 1, -INF, INF, 2, 1, -INF, -3, 2, -0.0, -0.0, -0.0, 1e-40, 2e-40, 1e-40]


def show(name, t):
    values = [0.0 if v == 0 and name.endswith("dx") else v for v in t.detach().flatten().tolist()]
    print(f"  {name}: {{{', '.join(f'{v:.15g}' for v in values)}}}")


def gradient(op, x, dim, dy):
    leaf = x.clone().requires_grad_()
    y = op(leaf, dim=dim, keepdim=True)
    y.backward(torch.tensor(dy[: y.numel()], dtype=torch.float64).reshape(y.shape))
    return leaf.grad


def main():
    x, ties = (torch.tensor(v, dtype=torch.float64).reshape(2, 2, 3, 2) for v in (X, TIES))
    special = torch.tensor(SPECIAL, dtype=torch.float64).reshape(1, 6, 3)
    show("x", x)
    for name, op in OPS.items():
        print(name)
        show("dim=3", op(x, dim=3))
        show("dim=-2 keepdim", op(x, dim=-2, keepdim=True))
        show("dim=1,3", op(x, dim=(1, 3)))
        show("dim=3,2", op(x, dim=(3, 2)))
        show("one example, no dim", op(x[:1], dim=[]))
        show("special dim=2", op(special, dim=2))
    show("ties", ties)
    for name, dim in (("amax", 3), ("amin", (1, 3))):
        show(f"ties {name} dim={dim}", OPS[name](ties, dim=dim))
        show(f"ties {name} dim={dim} dx", gradient(OPS[name], ties, dim, DY))
    show("special dx", gradient(torch.amax, special, 2, DY))
    print("expand")
    show("(2,3,1) to (-1,3,2)", (3 * torch.tensor(DY[:6]).reshape(2, 3, 1)).expand(-1, 3, 2))
    show("(2,1,3) to (-1,2,-1)", torch.tensor(DY[:6]).reshape(2, 1, 3).expand(-1, 2, -1))
    show("(1,3) to (-1,2,3)", torch.tensor(DY[:3]).expand(1, 2, 3))


main()
