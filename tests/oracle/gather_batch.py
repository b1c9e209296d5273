"""Golden values of kernels/gather_batch from PyTorch, in float64."""
import torch
import torch.nn.functional as F


def show(name, t):
    print(f"{name}: {{{', '.join(f'{v:.15g}' for v in t.flatten().tolist())}}}")


images = torch.tensor([0, 255, 51, 0, 255, 255, 0, 0], dtype=torch.float64).reshape(2, 1, 2, 2)
show("golden", (images / 255 - 0.5) / 0.25)
show("padded", F.pad(images[:1], (1, 1, 1, 1)) / 255)
# One image of two channels, 1 x 2 pixels; the padding is normalised as well.
colours = torch.tensor([0, 102, 255, 51], dtype=torch.float64).reshape(1, 2, 1, 2)
mean, std = (torch.tensor(v, dtype=torch.float64).reshape(2, 1, 1) for v in ([0.5, 0.25], [0.25, 0.5]))
show("channels", (F.pad(colours, (1, 1, 1, 1)) / 255 - mean) / std)
# gather_features: numbers as they are.
values = torch.tensor([-1.5, 2, 0.25, 3, 0, 4], dtype=torch.float64)
show("features golden", (values - 0.5) / 2)
show("features padded", (F.pad(values[:2].reshape(1, 1, 1, 2), (1, 1, 1, 1)) - 0.5) / 2)
