"""The built command from outside: cli_test.py PATH/TO/cairn. Trains on the embedded digits."""
import csv
import json
import os
import subprocess
import unittest

from command import CAIRN, CommandTest, run

HEADER = "step,epoch,loss,accuracy,lr,images_per_s"


class Cli(CommandTest):
    def train(self, out, *words):
        result = run("train", "lenet5", "--data", "digits", "--steps", "20", "--batch", "32",
                     "--device", "cpu", "--out", self.path(out), *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_help(self):
        for words in [[], ["train"], ["eval"], ["data"], ["data", "list"], ["data", "fetch"],
                      ["data", "verify"], ["plan"], ["graph"], ["ops"], ["doctor"]]:
            result = run(*words, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn("Examples:", result.stdout)
            self.assertEqual(result.stderr, "")
        self.assertIn("lenet5relu", run("train", "--help").stdout)
        self.assertRegex(run("--version").stdout, r"^cairn \d+\.\d+")

    def test_wrong_usage(self):
        self.refused("trian", says="train")
        self.refused("train", "lenet5", "--bacth", "3", says="--batch")
        self.refused("train", "lenet6", says="lenet5")
        self.refused("train", "lenet5", "--batch", "0", says="at least 1")
        self.refused("train", "lenet5", "--until-accuracy", "98", says="at most 1")
        self.refused("train", "lenet5", "--set", "widths=3", says="widths")
        self.refused("train", "mlp", "--data", "digits", "--set", "widths=x", says="widths")
        self.refused("train", "lenet5", "--data", "digits", "--device", "tpu", says="tpu")
        self.refused("train", "lenet5", "--data", "digits", "--batch", "1000000", says="batch")
        self.refused("train", "lenet5", "--data", "nosuch", says="nosuch")
        self.refused("train", "lenet5", "--data", "digits", "--conv", "winograd", says="cudnn")
        self.refused("train", "lenet5", "--data", "digits", "--conv", "implicit", says="don't exist yet")
        self.refused("train", "lenet5", "--data", "digits", "--device", "cpu", "--conv", "cudnn",
                     says="is for CUDA")

    def test_set_that_is_not_fetched(self):
        result = subprocess.run([CAIRN, "train", "lenet5"], capture_output=True, text=True,
                                env={**os.environ, "CAIRN_DATA": self.path("empty")})
        self.assertEqual(result.returncode, 1)
        self.assertIn("cairn data fetch mnist", result.stderr)
        self.assertIn("--data digits", result.stderr)

    def test_plan(self):
        table = run("plan", "lenet5", "--batch", "64").stdout
        self.assertIn("batch 64 in 2 slices of 32", table)
        self.assertIn("61,706 parameters", table)
        rows = [line.split() for line in table.splitlines()]
        arena = [row for row in rows if row[:1] == ["accumulate"]]
        self.assertEqual(len(arena), 1)
        # conv1's output: 6 x 28 x 28 floats of one slice.
        sizes = [row[-4] for row in rows if row[:1] == ["act1.y"]]
        self.assertEqual(sizes, ["602,112"])
        cuda = run("plan", "lenet5", "--batch", "64", "--device", "cuda").stdout
        self.assertIn("batch 64 in 1 slice of 64", cuda)
        self.refused("plan", "lenet6", says="lenet5")
        self.refused("plan", "lenet5", "--data", "nosuch", says="nosuch")

    def test_graph(self):
        text = run("graph", "lenet5").stdout.splitlines()
        self.assertEqual(text[0], "conv1.y = conv2d(x, conv1.weight, conv1.bias) : "
                                  "float32 (N, 6, 28, 28)")
        self.assertEqual(len(text), 11)
        step = run("graph", "lenet5", "--part", "accumulate").stdout
        self.assertIn("conv2d_dw(", step)
        self.assertIn("adam(", run("graph", "mlp", "--part", "update", "--optimizer", "adam").stdout)
        dot = run("graph", "lenet5", "--dot").stdout
        self.assertTrue(dot.startswith("digraph cairn {"))
        self.assertEqual(dot.count("shape=ellipse"), 11)  # x, and weight and bias of 5 layers
        self.assertEqual(dot.count("[label=") - dot.count("->"), 11)  # boxes

    def test_ops(self):
        self.assertRegex(run("ops").stdout, r"conv2d_dw +kernels/conv2d +sums over the batch +no")
        self.assertIn("activation=none (none, relu, tanh, sigmoid, scaled_tanh)", run("ops", "conv2d").stdout)
        self.fails("ops", "conv3d", says="conv2d")
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "..", "docs", "ops.md"), encoding="utf-8") as file:
            self.assertEqual(run("ops", "--markdown").stdout, file.read(),
                             "write docs/ops.md again: cairn ops --markdown > docs/ops.md")

    def test_doctor(self):
        empty = {**os.environ, "CAIRN_DATA": self.path("empty")}
        result = subprocess.run([CAIRN, "doctor"], capture_output=True, text=True, env=empty)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("cairn data fetch mnist", result.stdout)
        self.assertIn("vector instructions", result.stdout)
        lost = {k: v for k, v in os.environ.items() if k not in ["CAIRN_DATA", "HOME"]}
        result = subprocess.run([CAIRN, "doctor"], capture_output=True, text=True, env=lost)
        self.assertEqual(result.returncode, 1)
        self.assertIn("!!  data folder", result.stdout)

    def test_run_folder(self):
        table = self.train("a").stdout
        for word in ["time", "images/s", "test accuracy", "run folder", "checkpoint"]:
            self.assertIn(word, table)
        self.assertEqual(sorted(os.listdir(self.path("a"))),
                         ["checkpoint", "config.json", "metrics.csv", "summary.json"])
        self.assertEqual(sorted(os.listdir(self.path("a", "checkpoint"))),
                         ["checkpoint.json", "model.safetensors", "state.safetensors"])
        lines = self.text("a", "metrics.csv").splitlines()
        self.assertEqual(lines[0], HEADER)
        self.assertEqual([row["step"] for row in csv.DictReader(lines)],
                         [str(step) for step in range(1, 21)])
        summary = json.loads(self.text("a", "summary.json"))
        for key in ["model", "data", "device", "seed", "threads", "steps", "epochs",
                    "train_seconds", "images_per_s", "test_accuracy", "checkpoint"]:
            self.assertIn(key, summary)
        self.assertEqual(summary["steps"], 20)
        self.assertTrue(0 <= summary["test_accuracy"] <= 1)

    def test_json_and_eval(self):
        result = self.train("a", "--json")
        summary = json.loads(result.stdout)
        self.assertIn("device: cpu", result.stderr)
        for folder in [self.path("a"), self.path("a", "checkpoint")]:
            result = run("eval", folder, "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            answer = json.loads(result.stdout)
            self.assertEqual(answer["accuracy"], summary["test_accuracy"])
            self.assertEqual(answer["loss"], summary["test_loss"])
            self.assertEqual(sum(map(sum, answer["confusion"])), answer["images"])
        self.assertIn("predicted", run("eval", self.path("a")).stdout)
        self.assertEqual(run("eval", self.path("nowhere")).returncode, 1)

    def test_second_run_moves_the_first(self):
        self.train("a")
        first = self.text("a", "summary.json")
        self.assertIn("a.bak", self.train("a", "--seed", "2").stderr)
        self.assertEqual(self.text("a.bak", "summary.json"), first)
        os.mkdir(self.path("mine"))
        with open(self.path("mine", "letter"), "w", encoding="utf-8") as file:
            file.write("x")
        self.refused("train", "lenet5", "--data", "digits", "--out", self.path("mine"),
                     says="holds no run")

    def test_threads_do_not_change_results(self):
        rows, weights = [], []
        for threads in ["1", "3"]:
            self.train(threads, "--threads", threads)
            lines = self.text(threads, "metrics.csv").splitlines()
            rows.append([line.rpartition(",")[0] for line in lines])
            for name in ["model.safetensors", "state.safetensors"]:
                with open(self.path(threads, "checkpoint", name), "rb") as file:
                    weights.append(file.read())
        self.assertEqual(rows[0], rows[1])
        self.assertEqual(weights[:2], weights[2:])

    def test_steps_do_not_change_the_schedule(self):
        self.train("a", "--epochs", "2")
        self.train("b", "--epochs", "2", "--steps", "10")
        rows = [[line.rpartition(",")[0] for line in self.text(run, "metrics.csv").splitlines()]
                for run in "ab"]
        self.assertEqual(len(rows[1]), 11)
        self.assertEqual(rows[0][:11], rows[1])

    def test_until_accuracy(self):
        for words, on in [((), "test set"), (("--val-split", "0.1"), "validation split")]:
            result = run("train", "lenet5", "--data", "digits", "--until-accuracy", "0.2",
                         "--device", "cpu", "--out", self.path("a"), "--json", *words)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(on, result.stderr)
            self.assertEqual(json.loads(result.stdout)["epochs"], 1)

    def test_loss_that_is_not_finite(self):
        result = run("train", "lenet5relu", "--data", "digits", "--lr", "1e6", "--schedule",
                     "constant", "--out", self.path("a"))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"the loss is (nan|infinite) at step \d+")

    def test_data(self):
        listing = run("data", "list").stdout
        self.assertRegex(listing, r"digits .* embedded")
        self.assertIn("mnist", listing)
        self.assertEqual(run("data", "fetch", "digits").returncode, 1)
        self.refused("data", "fetch", "nosuch", says="mnist")


if __name__ == "__main__":
    unittest.main(verbosity=2)
