"""Golden values of kernels/bias and kernels/pool from PyTorch, in float64."""
import torch
import torch.nn.functional as F


def series(shape, a, b, m):
    """Numbers (a k + b) mod m - m // 2, over 4: exact in binary."""
    n = int(torch.tensor(shape).prod())
    return torch.tensor([((a * k + b) % m - m // 2) / 4 for k in range(n)], dtype=torch.float64).reshape(shape)


def show(name, t):
    print(f"  {name}: {{{', '.join(f'{v:.12g}' for v in t.detach().flatten().tolist())}}}")


x = series((2, 2, 2), 5, 1, 11).requires_grad_()
b = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
y = x + b[None, :, None]
y.backward(series(y.shape, 3, 2, 7))
print("bias")
show("x", x), show("y", y), show("dy", series(y.shape, 3, 2, 7)), show("db", b.grad)

x = series((1, 2, 4, 5), 5, 1, 13).requires_grad_()
y = F.avg_pool2d(x, (2, 3), stride=(2, 1), padding=(1, 1))
y.backward(series(y.shape, 3, 2, 7))
print("avg_pool2d kernel_size=2,3 stride=2,1 padding=1")
show("x", x), show("y", y), show("dy", series(y.shape, 3, 2, 7)), show("dx", x.grad)

x = series((1, 2, 4, 5), 5, 1, 13).requires_grad_()
y, i = F.max_pool2d(x, (2, 3), stride=(2, 1), padding=(1, 1), return_indices=True)
y.backward(series(y.shape, 3, 2, 7))
print("max_pool2d kernel_size=2,3 stride=2,1 padding=1")
show("y", y), show("indices", i), show("dx", x.grad)

inf, nan = float("inf"), float("nan")
x = torch.tensor([
    [nan, 1, 5, nan, nan, nan, 2, 2, -0.0, 0, -inf, -inf, inf, -inf],
    [7, nan, 9, 8, nan, nan, 2, 1, 0, -0.0, -inf, -inf, 0, inf],
], dtype=torch.float64)[None, None]
y, i = F.max_pool2d(x, 2, return_indices=True)
print("kernel_size=2 of special values")
show("avg y", F.avg_pool2d(x, 2)), show("max y", y), show("max indices", i)
