"""Golden values of kernels/linear and kernels/conv2d from PyTorch, in float64.

Run with a Python that has torch: python3 tests/oracle/linear_conv2d.py
Inputs are small fixed numbers, so the rows can hold them as text.
"""
import torch


def series(shape, a, b, m):
    """Numbers (a k + b) mod m - m // 2, over 4: exact in binary."""
    n = int(torch.tensor(shape).prod())
    return torch.tensor([((a * k + b) % m - m // 2) / 4 for k in range(n)], dtype=torch.float64).reshape(shape)


def show(name, t):
    print(f"  {name}: {{{', '.join(f'{v:.12g}' for v in t.detach().flatten().tolist())}}}")


def report(title, y, tensors):
    dy = series(y.shape, 3, 2, 7)
    y.backward(dy)
    print(title)
    for name, t in tensors.items():
        show(name, t)
    show("y", y)
    show("dy", dy)
    for name, t in tensors.items():
        show("d" + name, t.grad)


def main():
    x = series((2, 3), 5, 1, 11).requires_grad_()
    w = series((2, 3), 7, 3, 9).requires_grad_()
    b = series((2,), 3, 1, 5).requires_grad_()
    report("linear", torch.nn.functional.linear(x, w, b), {"x": x, "w": w, "b": b})
    show("tanh(y)", torch.tanh(torch.nn.functional.linear(x, w, b)))

    x = series((2, 2, 4, 5), 5, 1, 13).requires_grad_()
    w = series((2, 1, 3, 2), 7, 3, 9).requires_grad_()
    b = series((2,), 3, 1, 5).requires_grad_()
    y = torch.nn.functional.conv2d(x, w, b, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
    report("conv2d stride=2,1 padding=1,0 dilation=1,2 groups=2", y, {"x": x, "w": w, "b": b})


main()
