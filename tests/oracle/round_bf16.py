"""Golden values of kernels/round_bf16 from PyTorch: python3 tests/oracle/round_bf16.py"""
import torch

GOLDEN = [1, 1.00390625, 1.01171875, 1.0078125, -3.1415926, 0.1, 1e-3, 123456.789]  # two ties: 1 + 1/256, 1 + 3/256
SPECIAL = [float("nan"), float("inf"), -float("inf"), -0.0, 1e-40, -1.4e-45, 3.38e38, 3.3961775e38, 3.396e38, -3.4e38]
for name, values in ("golden", GOLDEN), ("special", SPECIAL):
    x = torch.tensor(values, dtype=torch.float32)
    print(f"{name}: {', '.join(f'{v:.9g}' for v in x.bfloat16().float().tolist())}")
