"""Golden losses of whole trainings from PyTorch, in float64: tests/torch_losses_test.cpp.

    python3 tests/oracle/losses.py > tests/oracle/losses.json

Both sides train on the first 300 images of data/digits in their order, in batches of 32, so that every
tenth batch holds 12 images; residual nets in batches of 2. A pixel p becomes (p / 255 - 1/8) / (1/4). Parameter k of a net, counted over
all its parameters in PyTorch's order, begins at h(k) scale: h in [-1, 1) from the 24 highest bits of a hash
of k (MurmurHash3's finalizer), and scale the largest power of two with scale^2 fan_in <= 3 or, before
sigmoids, which are a quarter as steep as tanh, four times that; for a bias, and all of batch norm, 1/16. Every beginning is a
float32.
"""
import gzip
import pathlib

import torch
from torch import nn

IMAGES, BATCH, STEPS = 300, 32, 20
DIGITS = pathlib.Path(__file__).resolve().parents[2] / "data" / "digits"


def lenet5():
    names = "conv1 act1 pool1 conv2 act2 pool2 flatten fc1 act3 fc2 act4 fc3".split()
    layers = [nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
              nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(),
              nn.Linear(84, 10)]
    return named(names, layers)


def mlp():
    names = "flatten fc1 act1 fc2 act2 fc3 act3 fc4".split()
    layers = [nn.Flatten(), nn.Linear(784, 100), nn.Sigmoid(), nn.Linear(100, 100), nn.Sigmoid(),
              nn.Linear(100, 100), nn.Sigmoid(), nn.Linear(100, 10)]
    return named(names, layers)


def batch_norm_mlp():
    """The 3x100 net of Ioffe and Szegedy 2015, section 4.1."""
    names = "flatten fc1 bn1 act1 fc2 bn2 act2 fc3 bn3 act3 fc4".split()
    layers = [nn.Flatten()]
    for inputs in 784, 100, 100:
        layers += [nn.Linear(inputs, 100), nn.BatchNorm1d(100), nn.Sigmoid()]
    return named(names, layers + [nn.Linear(100, 10)])


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        around = nn.functional.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        return torch.relu(y + around)


def resnet20():
    """He et al. 2015, section 4.2, for digits of 32x32."""
    widths = [16] * 4 + [32] * 3 + [64] * 3
    blocks = [Block(a, b) for a, b in zip(widths, widths[1:])]
    names = ["conv1", "bn1", "relu1"] + [f"block{i}" for i in range(9)] + ["pool", "flatten", "fc"]
    return named(names, [nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks,
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)])


class PreactivationBlock(nn.Module):
    def __init__(self, inputs, outputs, first):
        super().__init__()
        self.stride, self.first = 1 if inputs == outputs else 2, first
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)

    def forward(self, x):
        z = torch.relu(self.bn1(x))
        y = self.conv2(torch.relu(self.bn2(self.conv1(z))))
        around = (z if self.first else x)[:, :, ::self.stride, ::self.stride]
        return y + nn.functional.pad(around, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))


def preresnet20():
    """He et al. 2016, for digits of 32x32."""
    widths = [16] * 4 + [32] * 3 + [64] * 3
    blocks = [PreactivationBlock(a, b, i == 0) for i, (a, b) in enumerate(zip(widths, widths[1:]))]
    names = ["conv1"] + [f"block{i}" for i in range(9)] + ["bn", "relu", "pool", "flatten", "fc"]
    return named(names, [nn.Conv2d(1, 16, 3, 1, 1, bias=False), *blocks, nn.BatchNorm2d(64), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)])


def bf16(t):
    return t.bfloat16().double()


class Product(torch.autograd.Function):
    """A layer's product, forward and backward, of factors that are rounded to bfloat16."""

    @staticmethod
    def forward(ctx, layer, x, w):
        ctx.layer, ctx.x, ctx.w = layer, bf16(x), bf16(w)
        if isinstance(layer, nn.Linear):
            return ctx.x @ ctx.w.T
        return nn.functional.conv2d(ctx.x, ctx.w, None, layer.stride, layer.padding)

    @staticmethod
    def backward(ctx, dy):
        dy, x, w = bf16(dy), ctx.x, ctx.w
        if isinstance(ctx.layer, nn.Linear):
            return None, dy @ w, dy.T @ x
        how = ctx.layer.stride, ctx.layer.padding
        return (None, nn.grad.conv2d_input(x.shape, w, dy, *how), nn.grad.conv2d_weight(x, w.shape, dy, *how))


def mixed(net):
    """The net with products of bfloat16 factors. Biases are added in full."""
    def forward(layer):
        def run(x):
            y = Product.apply(layer, x, layer.weight)
            return y if layer.bias is None else y + layer.bias.reshape((-1,) + (1,) * (y.dim() - 2))
        return run

    for layer in net.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer.forward = forward(layer)
    return net


def named(names, layers):
    net = nn.Sequential()
    for name, layer in zip(names, layers):
        net.add_module(name, layer)
    return net.double()


def mix(k):
    low = 0xFFFFFFFF
    k = (k ^ (k >> 16)) * 0x85EBCA6B & low
    k = (k ^ (k >> 13)) * 0xC2B2AE35 & low
    return k ^ (k >> 16)


def initialise(net, gain):
    first = 0
    for p in net.parameters():
        scale = 1.0
        while scale * scale * p[0].numel() > 3:
            scale /= 2
        scale = scale * gain if p.dim() > 1 else 1 / 16
        k = torch.arange(first, first + p.numel())
        h = ((mix(k) >> 8) - 2**23).double() / 2**23
        p.data = (h * scale).reshape(p.shape)
        first += p.numel()


def read(name, header):
    with gzip.open(DIGITS / name) as file:
        return torch.tensor(list(file.read())[header:])


def load(padding):
    pixels = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)[:IMAGES].double()
    pixels = nn.functional.pad(pixels, [padding] * 4)
    return (pixels / 255 - 0.125) / 0.25, read("train-labels-idx1-ubyte.gz", 8)[:IMAGES]


def losses(net, optimizer, gain, padding, batch=BATCH):
    initialise(net, gain)
    images, labels = load(padding)
    update = optimizer(net.parameters())
    found = []
    while len(found) < STEPS:
        for x, y in zip(images.split(batch), labels.split(batch)):
            update.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            update.step()
            found.append(loss.item())
            if len(found) == STEPS:
                break
    return found[:STEPS]


def main():
    sgd, adam = torch.optim.SGD, torch.optim.Adam
    runs = {
        "lenet5": losses(lenet5(), lambda p: sgd(p, lr=0.02, momentum=0.9, weight_decay=0.01), 1, 2),
        "mlp": losses(mlp(), lambda p: sgd(p, lr=0.05), 4, 0),
        "mlp_batch_norm": losses(batch_norm_mlp(), lambda p: sgd(p, lr=0.5), 4, 0),
        "resnet20": losses(resnet20(), lambda p: sgd(p, lr=0.1, momentum=0.9, weight_decay=0.0001), 1, 2, 2),
        "preresnet20": losses(preresnet20(), lambda p: sgd(p, lr=0.1, momentum=0.9, weight_decay=0.0001), 1, 2, 2),
        "lenet5_bf16": losses(mixed(lenet5()), lambda p: sgd(p, lr=0.02, momentum=0.9, weight_decay=0.01), 1, 2),
        "resnet20_bf16": losses(mixed(resnet20()), lambda p: sgd(p, lr=0.1, momentum=0.9, weight_decay=0.0001), 1, 2, 2),
        "mlp_adam": losses(mlp(), lambda p: adam(p, lr=0.005, weight_decay=0.01), 4, 0),
    }
    rows = [f' "{name}": [\n  ' + ",\n  ".join(f"{v:.17g}" for v in found) + "\n ]" for name, found in runs.items()]
    print("{\n" + ",\n".join(rows) + "\n}")


main()
