"""Golden values of kernels/unary from PyTorch, in float64."""
import torch

dy = torch.tensor([0.5, -1.0, 2.0, 0.25, -3.0], dtype=torch.float64)
for f in (torch.relu, torch.tanh, torch.sigmoid):
    x = torch.tensor([-2.0, -0.5, 0.0, 0.75, 3.0], dtype=torch.float64, requires_grad=True)
    y = f(x)
    y.backward(dy)
    print(f.__name__, [float(f"{v:.15g}") for v in y.tolist()])
    print("  grad", [float(f"{v:.15g}") for v in x.grad.tolist()])
