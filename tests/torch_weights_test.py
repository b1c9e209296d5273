"""Weights go to PyTorch and come from it: LeNet-5's logits on 100 digits are equal to 1e-5 both ways, those of
residual nets with torchvision's names one way, to 4e-6 of the largest.

usage: torch_weights_test.py PATH/TO/cairn. Needs python3-torch (Debian's package); exit code 77, a skipped test,
where it is missing, unless CI=true.
"""
import json
import os
import sys
import unittest

try:
    import torch
except ImportError:
    print("torch_weights_test: left out: python3-torch is missing (Debian's package)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

from command import CommandTest, run
from pngs import digits, write_digits
from safetensors_files import read_safetensors, write_safetensors

IMAGES = 100


class LeNet5(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = torch.nn.Conv2d(1, 6, 5), torch.nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = (torch.nn.Linear(*s) for s in [(400, 120), (120, 84), (84, 10)])

    def forward(self, x):
        x = torch.nn.functional.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = torch.nn.functional.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x.flatten(1))))))


class Block(torch.nn.Module):
    """A block of torchvision's ResNet: convolutions of (channels, kernel, stride), each with batch norm."""

    def __init__(self, inputs, convolutions):
        super().__init__()
        self.count, first = len(convolutions), inputs
        for i, (channels, kernel, stride) in enumerate(convolutions, 1):
            setattr(self, f"conv{i}", torch.nn.Conv2d(inputs, channels, kernel, stride, kernel // 2, bias=False))
            setattr(self, f"bn{i}", torch.nn.BatchNorm2d(channels))
            inputs = channels
        stride = max(stride for _, _, stride in convolutions)
        self.downsample = None
        if stride > 1 or inputs != first:
            self.downsample = torch.nn.Sequential(torch.nn.Conv2d(first, inputs, 1, stride, bias=False),
                                                  torch.nn.BatchNorm2d(inputs))

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = torch.relu(y) if i < self.count else y
        return torch.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(torch.nn.Module):
    def __init__(self, counts, bottleneck):
        super().__init__()
        self.conv1, self.bn1 = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False), torch.nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate(counts):
            width, blocks = 64 << stage, []
            for i in range(count):
                stride = 2 if stage and not i else 1
                convolutions = [(width, 3, stride), (width, 3, 1)]
                if bottleneck:
                    convolutions = [(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)]
                blocks.append(Block(inputs, convolutions))
                inputs = convolutions[-1][0]
            setattr(self, f"layer{stage + 1}", torch.nn.Sequential(*blocks))
        self.fc = torch.nn.Linear(inputs, 10)

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean([2, 3]))


class TorchWeightsTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.data_set = write_digits(self.path("digits"), 500, IMAGES)

    def train(self, folder, model, padding, *words):
        """self.x are the first digits as the model sees them."""
        torch.manual_seed(1)
        result = run("train", model, "--data", self.data_set, "--out", self.path(folder), *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        normal = json.loads(self.text(folder, "config.json"))["normalization"]
        pixels = torch.tensor([rows for rows, _ in digits("t10k")[:IMAGES]], dtype=torch.float32)
        padded = torch.nn.functional.pad(pixels / 255, [padding] * 4).unsqueeze(1)
        self.x = (padded - normal["mean"][0]) / normal["deviation"][0]

    def state(self, folder):
        file = read_safetensors(self.path(folder, "checkpoint", "model.safetensors"))
        return {k: torch.from_numpy(v.copy()) for k, v in file.items()}

    def assert_equal_logits(self, model, *words, of_largest=0.0):
        result = run("eval", *words, "--data", self.data_set, "--logits", self.path("logits"))
        self.assertEqual(result.returncode, 0, result.stderr)
        found = read_safetensors(self.path("logits"))
        self.assertEqual(found["labels"][:IMAGES].tolist(), [label for _, label in digits("t10k")[:IMAGES]])
        with torch.no_grad():
            wanted = model(self.x)
        error = float((torch.from_numpy(found["logits"][:IMAGES].copy()) - wanted).abs().max())
        self.assertGreater(float(wanted.abs().max()), 0.1)
        print(f"largest distance of a logit: {error:.2e} (max|logit| {float(wanted.abs().max()):.2f})")
        self.assertLess(error, max(1e-5, of_largest * float(wanted.abs().max())))

    def test_to_pytorch(self):
        model = LeNet5()
        self.train("a", "lenet5", 2, "--steps", "60")
        model.load_state_dict(self.state("a"))
        self.assert_equal_logits(model, self.path("a"))

    def test_residual_nets(self):
        for name, counts in [("resnet18", [2, 2, 2, 2]), ("resnet50", [3, 4, 6, 3])]:
            model = ResNet(counts, bottleneck=name == "resnet50").eval()
            self.train(name, name, 0, "--steps", "3", "--batch", "8", "--lr", "0.001")
            missing, unexpected = model.load_state_dict(self.state(name), strict=False)
            self.assertEqual([k for k in missing if not k.endswith("num_batches_tracked")] + unexpected, [])
            self.assert_equal_logits(model, self.path(name), of_largest=4e-6)

    def test_from_pytorch(self):
        self.train("a", "lenet5", 2, "--steps", "60")
        for dtype in [torch.float32, torch.float64]:
            model = LeNet5().to(dtype)
            file = self.path("state")
            write_safetensors(file, {k: v.numpy() for k, v in model.state_dict().items()}, {"format": "pt"})
            model = model.float()
            self.assert_equal_logits(model, self.path("a"), "--weights", file)
            self.assert_equal_logits(model, "--weights", file, "--model", "lenet5")
        result = run("train", "lenet5", "--data", self.data_set, "--init", file, "--steps", "1", "--lr", "1e-30",
                     "--out", self.path("b"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_equal_logits(model, self.path("b"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
