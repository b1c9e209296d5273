"""Golden values of kernels/permute, concat, slice and pad from PyTorch: python3 tests/oracle/movement.py"""
import torch
import torch.nn.functional as F


def show(name, t):
    values = ", ".join(f"{v:.12g}" for v in t.detach().flatten().tolist())
    print(f"constexpr double {name}[] = {{{values}}};")


def show_gradient(name, f, dy):
    x = torch.zeros(2, 3, 2, dtype=torch.float64, requires_grad=True)
    f(x).backward(dy)
    show(name, x.grad)


def series(count, a, m):
    """Numbers (a k + 1) mod m - m // 2, over 4: exact in binary."""
    return torch.tensor([((a * k + 1) % m - m // 2) / 4 for k in range(count)], dtype=torch.float64)


x = series(12, 5, 13)
print("# permute")
show("kX", x)
show("kTransposeY", x.reshape(2, 2, 3).transpose(1, -1))
show("kPermuteY", x.reshape(1, 2, 3, 2).permute(0, 3, 1, 2))

x = x.reshape(2, 3, 2)
b, c = series(4, 3, 7).reshape(2, 1, 2), series(6, 2, 7).reshape(2, 3, 1)
print("# concat")
show("kX", x), show("kB", b), show("kC", c)
show("kConcatY", torch.concat([x, b], dim=1))
show("kConcatLastY", torch.concat([x, c], dim=-1))

dy = series(8, 3, 11).reshape(2, 2, 2)
print("# slice")
show("kX", x)
show("kSliceY", x[:, 1:3])
show("kSliceStepY", x[:, -3:100:2])
show("kSliceNegativeY", x[..., -100:-1])
show("kDy", dy)
show_gradient("kSliceDx", lambda x: x[:, 1:3], dy)
show_gradient("kSliceStepDx", lambda x: x[:, -3:100:2], dy)

print("# pad")
show("kX", x)
show("kPadY", F.pad(x, (1, 2)))
show("kPadValueY", F.pad(x, (0, 1, 2, 0), value=0.5))
