"""Golden values of kernels/mse_loss and kernels/bce_with_logits from PyTorch, in float64."""
import torch
from torch.nn import functional

X = [1, -2, 0.5, 0.25, 3, -1, 2, 2.5, -0.5, 0, -3, 1.5]
LOGITS = [1, -2, 0.5, 0.25, 3, -1, 2, 30, -0.5, 0, -300, 1.5]
TARGET = [0, 1, 0.25, 0.75, 1, 0, 0.5, 1, 0.125, 1, 0, 0.875]


def show(name, values):
    print(f"constexpr double {name}[] = {{{', '.join(f'{v:.15g}' for v in values.flatten().tolist())}}};")


def main():
    bce = functional.binary_cross_entropy_with_logits
    for loss, values in ((functional.mse_loss, X), (bce, LOGITS)):
        print(loss.__name__)
        x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        t = torch.tensor(TARGET, dtype=torch.float64, requires_grad=True)
        show("kX", x.detach()), show("kTarget", t.detach())
        for reduction in ("mean", "sum"):
            x.grad = t.grad = None
            value = loss(x, t, reduction=reduction)
            value.backward()
            show("k" + reduction.capitalize(), value.detach())
            show("kDx" + reduction.capitalize(), x.grad), show("kDt" + reduction.capitalize(), t.grad)


main()
