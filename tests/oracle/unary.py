"""Golden values of kernels/unary from PyTorch, in float64: python3 tests/oracle/unary.py"""
import torch

FUNCTIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


def show(name, t):
    print(f"  {name}: {{{', '.join(f'{v:.15g}' for v in t.detach().flatten().tolist())}}}")


def main():
    x = torch.tensor([[-20, -1.5, 0.25], [0.75, 3, 11]], dtype=torch.float64)
    dy = torch.tensor([[0.5, -1, 2], [1.5, -0.25, 4]], dtype=torch.float64)
    show("x", x)
    show("dy", dy)
    for name, function in FUNCTIONS.items():
        print(name)
        leaf = x.clone().requires_grad_()
        y = function(leaf)
        y.backward(dy)
        show("y", y)
        show("dx", leaf.grad)


main()
