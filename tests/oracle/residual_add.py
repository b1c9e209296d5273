"""Golden values of kernels/residual_add from PyTorch, in float64: python3 tests/oracle/residual_add.py"""
import torch

INF, NAN = float("inf"), float("nan")
PAIRS = {
    "": ([1.5, -2, 0.25, 8, -0.5, 3], [-0.5, 4, -0.125, -8.5, 0.25, 1]),
    "special ": ([NAN, 1, INF, INF, -INF, -0.0, 1e-40, 3e38], [1, NAN, -INF, 1, 1, -0.0, -3e-40, 3e37]),
}

for name, (a, b) in PAIRS.items():
    y = torch.tensor(a, dtype=torch.float64) + torch.tensor(b, dtype=torch.float64)
    print(f"{name}y: {y.tolist()}")
    print(f"{name}relu y: {torch.relu(y).tolist()}")
