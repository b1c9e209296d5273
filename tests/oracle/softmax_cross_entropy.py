"""Golden values of kernels/softmax_cross_entropy from PyTorch, in float64."""
import torch

x = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0], [2.0, 2.0, -0.5]], dtype=torch.float64, requires_grad=True)
labels = torch.tensor([2, 1, 0])
for reduction, smoothing in (("mean", 0), ("sum", 0), ("mean", 0.1), ("sum", 0.1), ("mean", 1)):
    x.grad = None
    loss = torch.nn.functional.cross_entropy(x, labels, reduction=reduction, label_smoothing=smoothing)
    loss.backward()
    print(reduction, "label_smoothing", smoothing, f"{loss.item():.15g}")
    print(" dlogits", [float(f"{v:.15g}") for v in x.grad.flatten()])
print("probabilities", [float(f"{v:.15g}") for v in torch.softmax(x, 1).flatten().detach()])
print("correct", (x.argmax(1) == labels).sum().item())
impossible = torch.tensor([[0.0, -torch.inf, 1.0]], dtype=torch.float64)
print(f"a class of logit -inf: {torch.nn.functional.cross_entropy(impossible, torch.tensor([0])).item():.15g}",
      [float(f"{v:.15g}") for v in impossible.softmax(1).flatten()])
