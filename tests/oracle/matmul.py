"""Golden values of kernels/matmul from PyTorch, in float64: python3 tests/oracle/matmul.py"""
import torch


def show(name, t):
    print(f"constexpr double {name}[] = {{{', '.join(f'{v:.12g}' for v in t.flatten().tolist())}}};")


def series(count, a, m):
    """Numbers (a k + 1) mod m - m // 2, over 4: exact in binary."""
    return torch.tensor([((a * k + 1) % m - m // 2) / 4 for k in range(count)], dtype=torch.float64)


a, b = series(6, 5, 11), series(12, 4, 13)
show("kA", a), show("kB", b)
show("kY", torch.matmul(a.reshape(2, 3), b.reshape(3, 4)))
show("kTransposedY", torch.matmul(a.reshape(3, 2).T, b.reshape(4, 3).T))
show("kBatchY", torch.matmul(a.reshape(2, 1, 3), b.reshape(2, 2, 3).mT))
