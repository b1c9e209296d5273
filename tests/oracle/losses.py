"""Golden losses of whole trainings from PyTorch, in float64: tests/torch_losses_test.cpp.

    python3 tests/oracle/losses.py > tests/oracle/losses.json

Both sides train on the first 300 images of data/digits in their order, in batches of 32, so that every
tenth batch holds 12 images. A pixel p becomes (p / 255 - 1/8) / (1/4). Parameter k of a net, counted over
all its parameters in PyTorch's order, begins at h(k) scale: h in [-1, 1) from the 24 highest bits of a hash
of k (MurmurHash3's finalizer), and scale the largest power of two with scale^2 fan_in <= 3 or, before
sigmoids, which are a quarter as steep as tanh, four times that; for a bias 1/16. Every beginning is a
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


def losses(net, optimizer, gain, padding):
    initialise(net, gain)
    images, labels = load(padding)
    update = optimizer(net.parameters())
    found = []
    while len(found) < STEPS:
        for x, y in zip(images.split(BATCH), labels.split(BATCH)):
            update.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            update.step()
            found.append(loss.item())
    return found[:STEPS]


def main():
    sgd, adam = torch.optim.SGD, torch.optim.Adam
    runs = {
        "lenet5": losses(lenet5(), lambda p: sgd(p, lr=0.02, momentum=0.9, weight_decay=0.01), 1, 2),
        "mlp": losses(mlp(), lambda p: sgd(p, lr=0.05), 4, 0),
        "mlp_adam": losses(mlp(), lambda p: adam(p, lr=0.005, weight_decay=0.01), 4, 0),
    }
    rows = [f' "{name}": [\n  ' + ",\n  ".join(f"{v:.17g}" for v in found) + "\n ]" for name, found in runs.items()]
    print("{\n" + ",\n".join(rows) + "\n}")


main()
