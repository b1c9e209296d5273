"""Recipes, schedules with milestones, per-pixel means and flipped evaluation from outside: recipe_test.py PATH/TO/cairn."""
import csv
import gzip
import json
import math
import os
import struct
import unittest

from command import CommandTest, run
from pngs import DIGITS, digits, write_digits

FILES = ["model.safetensors", "state.safetensors", "checkpoint.json"]


class Recipes(CommandTest):
    def few(self):
        """200 digits to train on, 50 to test."""
        return "--data", write_digits(self.path("few"), 200, 50)

    def train(self, out, model, *words):
        result = run("train", model, "--data", "digits", "--device", "cpu", "--out", self.path(out), "--quiet", *words)
        self.assertEqual(result.returncode, 0, result.stderr)

    def config(self, out):
        return json.loads(self.text(out, "config.json"))

    def column(self, out, name):
        return [float(row[name]) for row in csv.DictReader(self.text(out, "metrics.csv").splitlines())]

    def rates(self, out):
        return self.column(out, "lr")

    def losses(self, out):
        return self.column(out, "loss")

    def same(self, a, b):
        for name in FILES:
            self.assertTrue(self.data(a, "checkpoint", name) == self.data(b, "checkpoint", name), name)

    def test_the_paper(self):
        few = self.few()
        self.train("a", "plain20", "--recipe", "he2015", "--steps", "2", "--batch", "8", *few)
        config = self.config("a")
        self.assertEqual((config["recipe"], config["epochs"], config["steps"]), ("he2015", 0, 2))
        self.assertEqual(len(config["normalization"]["mean_image"]), 28 * 28)
        settings = {"batch": 8, "optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "schedule": "step",
                    "milestones": [32000, 48000], "warmup": 0, "horizon": 64000, "augment": "crop=4 flip=random"}
        self.assertEqual({name: config["settings"][name] for name in settings}, settings)
        self.train("b", "plain20", "--recipe", "he2015", "--epochs", "1", "--steps", "1", "--mean", "channel", *few)
        config = self.config("b")
        self.assertEqual((config["epochs"], config["settings"]["horizon"], config["settings"]["batch"]), (1, 2, 128))
        self.assertEqual(config["normalization"]["mean_image"], [])

    def test_a_net_of_110_layers_warms_up(self):
        self.train("a", "plain110", "--recipe", "he2015", "--steps", "1", "--batch", "2", *self.few())
        self.assertEqual(self.rates("a"), [0.01])
        self.assertEqual(self.config("a")["settings"]["warmup"], 400)

    def test_mixed_precision(self):
        words = (*self.few(), "--steps", "30", "--precision")
        for out, precision in ("a", "fp32"), ("b", "bf16"):
            self.train(out, "lenet5", *words, precision)
            self.assertEqual(self.config(out)["settings"]["precision"], precision)
        distances = [abs(b - a) / a for a, b in zip(self.losses("a"), self.losses("b"))]
        self.assertGreater(max(distances), 1e-5)
        self.assertLess(max(distances[:10]), 1e-2)
        self.refused("train", "--resume", self.path("b"), "--precision", "fp32", says="it has bf16")
        self.refused("train", "lenet5", "--precision", "fp16", says="fp32")
        self.train("c", "lenet5", *words, "tf32", "--device", "cpu")
        self.train("d", "lenet5", *words, "fp32", "--device", "cpu")
        self.assertEqual(self.losses("c"), self.losses("d"))
        config = self.config("b")
        del config["settings"]["precision"]  # as of an older version
        with open(self.path("b", "config.json"), "w") as file:
            json.dump(config, file)
        self.refused("train", "--resume", self.path("b"), "--precision", "bf16", says="it has fp32")

    def test_goes_on_with_the_same_bits(self):
        words = ("--recipe", "he2015", "--batch", "16", *self.few())
        self.train("whole", "resnet20", *words, "--steps", "6", "--threads", "1")
        self.train("part", "resnet20", *words, "--steps", "3", "--threads", "2")
        self.refused("train", "--resume", self.path("part"), "--recipe", "fast", says="it has he2015")
        self.refused("train", "--resume", self.path("part"), "--mean", "channel", says="it has pixel")
        result = run("train", "--resume", self.path("part"), "--steps", "6", "--source", "streamed", "--quiet")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.same("part", "whole")
        answer = json.loads(run("eval", self.path("part"), "--json").stdout)
        self.assertEqual(answer["loss"], json.loads(self.text("part", "summary.json"))["test_loss"])

    def test_milestones(self):
        words = ("--batch", "64", "--schedule", "step", "--lr", "0.5", "--warmup", "2", "--warmup-lr", "0.1")
        self.train("a", "mlp", *words, "--steps", "8", "--milestones", "3,6")
        for rate, wanted in zip(self.rates("a"), [0.1, 0.1, 0.5, 0.05, 0.05, 0.05, 0.005, 0.005]):
            self.assertAlmostEqual(rate, wanted)
        self.train("b", "mlp", *words, "--steps", "5", "--milestones", "3,6")
        self.refused("train", "--resume", self.path("b"), "--milestones", "3,7", says="it has 3,6")
        self.refused("train", "--resume", self.path("b"), "--warmup-lr", "0.2", says="it has 0.1")
        self.assertEqual(run("train", "--resume", self.path("b"), "--steps", "8", "--quiet").returncode, 0)
        self.same("a", "b")

    def test_accumulated_batches(self):
        words = ("--set", "widths=30", "--epochs", "2", "--lr", "0.05")
        self.train("whole", "mlp", *words, "--batch", "120")  # 5,000 images: 41 steps and one of 80 images
        self.train("parts", "mlp", *words, "--batch", "40", "--accumulate", "3")
        self.train("cut", "mlp", *words, "--batch", "40", "--accumulate", "3", "--steps", "50", "--threads", "1")
        self.refused("train", "--resume", self.path("cut"), "--accumulate", "2", says="it has 3")
        result = run("train", "--resume", self.path("cut"), "--steps", "84", "--source", "streamed", "--quiet")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.same("cut", "parts")
        for name in ["loss", "accuracy", "epoch"]:
            whole, parts = ([float(row[name]) for row in csv.DictReader(self.text(run, "metrics.csv").splitlines())]
                            for run in ["whole", "parts"])
            self.assertEqual(len(whole), 84)
            self.assertLess(max(abs(a - b) for a, b in zip(whole, parts)), 1e-3 if name == "loss" else 0.02)
        self.refused("train", "mlp", "--data", "digits", "--accumulate", "0", says="at least 1")

    def test_older_files(self):
        self.train("a", "mlp", "--steps", "2")
        config = self.config("a")
        del config["recipe"], config["normalization"]["mean_image"]
        del config["settings"]["milestones"], config["settings"]["warmup_lr"]
        with open(self.path("a", "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        words = ("--steps", "3", "--recipe", "fast", "--mean", "channel", "--warmup-lr", "0")
        self.assertEqual(run("train", "--resume", self.path("a"), *words, "--quiet").returncode, 0)

    def test_flipped_evaluation(self):
        self.train("a", "lenet5", "--steps", "20")
        os.mkdir(self.path("mirrored"))
        for name in os.listdir(DIGITS):
            if not name.endswith(".gz"):
                continue
            with gzip.open(os.path.join(DIGITS, name)) as file:
                data = file.read()
            if "images" in name:
                data = data[:16] + b"".join(data[i:i + 28][::-1] for i in range(16, len(data), 28))
            with open(self.path("mirrored", name[:-3]), "wb") as file:
                file.write(data)

        def judged(*words):
            result = run("eval", self.path("a"), *words, "--logits", self.path("logits"), "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            data = self.data("logits")
            begin = 8 + struct.unpack("<Q", data[:8])[0]
            first, last = json.loads(data[8:begin])["logits"]["data_offsets"]
            return json.loads(result.stdout), struct.unpack(f"<{(last - first) // 4}f", data[begin + first:begin + last])

        plain, mirrored = judged()[1], judged("--data", self.path("mirrored"))[1]
        answer, both = judged("--flip")
        self.assertGreater(max(abs(a - b) for a, b in zip(plain, mirrored)), 0.1)
        self.assertLess(max(abs(c - (a + b) / 2) for a, b, c in zip(plain, mirrored, both)), 1e-6)
        loss, right = 0, 0
        for n, (_, label) in enumerate(digits("t10k")):
            row = both[10 * n:10 * n + 10]
            loss += math.log(sum(map(math.exp, row))) - row[label]
            right += row.index(max(row)) == label
        self.assertAlmostEqual(answer["loss"], loss / 1000, places=5)
        self.assertEqual(answer["accuracy"], right / 1000)
        self.assertEqual(sum(answer["confusion"][k][k] for k in range(10)), right)

    def test_wrong_usage(self):
        digits = ("train", "lenet5", "--data", "digits")
        self.refused(*digits, "--recipe", "he2015", says="it has fast")
        self.refused("train", "resnet20", "--data", "digits", "--recipe", "he2016", says="it has fast, he2015")
        self.refused(*digits, "--milestones", "3", says="belong to --schedule step")
        for text, says in [("6,3", "don't rise"), ("3,3", "don't rise"), ("x", "is no number"), ("0", "out of range"),
                           ("1.5", "whole number"), ("1,2,3,4,5,6,7,8,9", "takes 0 to 8")]:
            self.refused(*digits, "--schedule", "step", "--milestones", text, says=says)
        self.refused(*digits, "--mean", "row", says="channel")


if __name__ == "__main__":
    unittest.main(verbosity=2)
