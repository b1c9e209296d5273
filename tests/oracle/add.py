"""Golden values of kernels/add and kernels/accumulate from PyTorch: python3 tests/oracle/add.py"""
import torch


def main():
    a = torch.tensor([[1.5, -2, 0.25], [8, -0.5, 3]], dtype=torch.float64)
    b = torch.tensor([[-0.5, 4, 0.125], [-8, 0.75, 1]], dtype=torch.float64)
    print("add:", torch.add(a, b).flatten().tolist())
    print("accumulate:", a.add_(b).flatten().tolist())


main()
