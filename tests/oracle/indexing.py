"""Golden values of kernels/one_hot, gather and embedding from PyTorch: python3 tests/oracle/indexing.py"""
import torch
import torch.nn.functional as F


def show(name, t):
    values = ", ".join(f"{v:.12g}" for v in t.detach().flatten().tolist())
    print(f"constexpr double {name}[] = {{{values}}};")


def series(count, a, m):
    """Numbers (a k + 1) mod m - m // 2, over 4: exact in binary."""
    return torch.tensor([((a * k + 1) % m - m // 2) / 4 for k in range(count)], dtype=torch.float64)


print("# one_hot")
labels = torch.tensor([[3, 0], [1, 1], [2, 3]])
show("kLabels", labels), show("kY", F.one_hot(labels, num_classes=4))

print("# gather")
x = series(12, 5, 13).reshape(3, 4).requires_grad_()
show("kX", x)
for suffix, dim, index in (("", 0, [[2, 0], [0, 0], [1, 2], [2, 0]]), ("Last", -1, [[3, 3, 0, 1, 3], [2, 0, 0, 2, 1]])):
    index = torch.tensor(index)
    y = torch.gather(x, dim, index)
    dy = series(y.numel(), 3, 11).reshape(y.shape)
    x.grad = None
    y.backward(dy)
    show("kIndex" if not suffix else "kLast", index), show(f"k{suffix}Y", y)
    show(f"k{suffix}Dy", dy), show(f"k{suffix}Dx", x.grad)

print("# embedding")
weight = series(12, 5, 13).reshape(4, 3).requires_grad_()
index = torch.tensor([[1, 3, 1], [0, 1, 3]])
y = F.embedding(index, weight)
dy = series(y.numel(), 3, 11).reshape(y.shape)
y.backward(dy)
show("kWeight", weight), show("kIndex", index), show("kY", y), show("kDy", dy), show("kDweight", weight.grad)
