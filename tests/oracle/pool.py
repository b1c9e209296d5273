"""Golden values of kernels/pool's attributes and of kernels/adaptive_pool from PyTorch, in float64."""
import torch
import torch.nn.functional as F


def series(shape, a, b, m):
    """Numbers (a k + b) mod m - m // 2, over 4: exact in binary."""
    n = int(torch.tensor(shape).prod())
    return torch.tensor([((a * k + b) % m - m // 2) / 4 for k in range(n)], dtype=torch.float64).reshape(shape)


def show(name, t):
    print(f"  {name}: {{{', '.join(f'{v:.12g}' for v in t.detach().flatten().tolist())}}}")


def run(title, function, shape):
    x = series(shape, 5, 1, 13 if shape != LARGE else 31).requires_grad_()  # 31: no ties
    y, *indices = function(x)
    dy = series(y.shape, 3, 2, 7)
    y.backward(dy)
    print(title, tuple(y.shape))
    show("x", x), show("y", y), show("dy", dy), show("dx", x.grad)
    for i in indices:
        show("indices", i)
    return x.grad


SMALL, LARGE = (1, 1, 4, 6), (1, 1, 5, 6)
run("max dilated", lambda x: F.max_pool2d(x, (2, 3), 2, 1, dilation=(2, 1), ceil_mode=True, return_indices=True), LARGE)
dropped = run("max dropped", lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True, return_indices=True), SMALL)
run("avg dropped", lambda x: [F.avg_pool2d(x, 2, 3, 1, ceil_mode=True)], SMALL)
ceiled = run("avg ceil_mode", lambda x: [F.avg_pool2d(x, 3, 3, 1, ceil_mode=True)], SMALL)
run("avg count_include_pad=0", lambda x: [F.avg_pool2d(x, 3, 3, 1, ceil_mode=True, count_include_pad=False)], SMALL)
run("avg divisor_override=5", lambda x: [F.avg_pool2d(x, 3, 3, 1, ceil_mode=True, divisor_override=5)], SMALL)
outputs = series(SMALL, 3, 1, 7)  # of a function before the pool
show("function's y", outputs), show("tanh, avg ceil_mode dx", torch.ops.aten.tanh_backward(ceiled, outputs))
show("relu, max dropped dx", torch.ops.aten.threshold_backward(dropped, outputs, 0))
run("adaptive", lambda x: [F.adaptive_avg_pool2d(x, (3, 4))], (2, 1, 4, 5))
run("adaptive None,8", lambda x: [F.adaptive_avg_pool2d(x, (None, 8))], (2, 1, 2, 3))

tied = torch.tensor([float(k * k % 3) for k in range(20)], dtype=torch.float64)
tied[10] = -torch.inf
y, indices = F.max_pool2d(tied.reshape(1, 1, 4, 5), 3, 2, 1, return_indices=True)
print("max ties", tuple(y.shape)), show("x", tied), show("y", y), show("indices", indices)

run("global", lambda x: [F.adaptive_avg_pool2d(x, 1)], (2, 2, 2, 3))
