"""Weights go to PyTorch and come from it: LeNet-5's logits on 100 digits are equal to 1e-5 both ways.

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
from pngs import digits
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


class TorchWeightsTest(CommandTest):
    def setUp(self):
        super().setUp()
        torch.manual_seed(1)
        result = run("train", "lenet5", "--data", "digits", "--steps", "60", "--out", self.path("a"))
        self.assertEqual(result.returncode, 0, result.stderr)
        normal = json.loads(self.text("a", "config.json"))["normalization"]
        pixels = torch.tensor([rows for rows, _ in digits("t10k")[:IMAGES]], dtype=torch.float32)
        padded = torch.nn.functional.pad(pixels / 255, [2] * 4).unsqueeze(1)
        self.x = (padded - normal["mean"][0]) / normal["deviation"][0]

    def assert_equal_logits(self, model, *words):
        result = run("eval", *words, "--data", "digits", "--logits", self.path("logits"))
        self.assertEqual(result.returncode, 0, result.stderr)
        found = read_safetensors(self.path("logits"))
        self.assertEqual(found["labels"][:IMAGES].tolist(), [label for _, label in digits("t10k")[:IMAGES]])
        with torch.no_grad():
            wanted = model(self.x)
        error = float((torch.from_numpy(found["logits"][:IMAGES].copy()) - wanted).abs().max())
        self.assertGreater(float(wanted.abs().max()), 0.1)
        print(f"largest distance of a logit: {error:.2e} (max|logit| {float(wanted.abs().max()):.2f})")
        self.assertLess(error, 1e-5)

    def test_to_pytorch(self):
        model = LeNet5()
        state = read_safetensors(self.path("a", "checkpoint", "model.safetensors"))
        model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
        self.assert_equal_logits(model, self.path("a"))

    def test_from_pytorch(self):
        for dtype in [torch.float32, torch.float64]:
            model = LeNet5().to(dtype)
            file = self.path("state")
            write_safetensors(file, {k: v.numpy() for k, v in model.state_dict().items()}, {"format": "pt"})
            model = model.float()
            self.assert_equal_logits(model, self.path("a"), "--weights", file)
            self.assert_equal_logits(model, "--weights", file, "--model", "lenet5")
        result = run("train", "lenet5", "--data", "digits", "--init", file, "--steps", "1", "--lr", "1e-30",
                     "--out", self.path("b"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_equal_logits(model, self.path("b"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
