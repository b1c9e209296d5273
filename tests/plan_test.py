"""Models as planned and drawn, from outside: plan_test.py PATH/TO/cairn. No step is taken."""
import os
import subprocess
import unittest

from command import CAIRN, CommandTest, run

UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
FEW = "CAIRN_FEW" in os.environ  # sanitizers, which take memory of their own


class Plans(CommandTest):
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
        self.assertRegex(table, r"60,000 training images +47.1 MB")
        streamed = run("plan", "lenet5", "--batch", "64", "--source", "streamed").stdout
        self.assertRegex(streamed, r"labels, and a window of 2 batches +160.4 kB")
        self.refused("plan", "lenet5", "--source", "tape", says="streamed")
        self.refused("plan", "lenet6", says="lenet5")
        self.refused("plan", "lenet5", "--data", "nosuch", says="nosuch")
        self.refused("plan", "lenet5", "--batch", "60001", says="batch")

    def test_graph(self):
        text = run("graph", "lenet5").stdout.splitlines()
        self.assertEqual(text[0], "conv1.y = conv2d(x, conv1.weight, conv1.bias) : "
                                  "float32 (N, 6, 28, 28)")
        self.assertEqual(len(text), 11)
        step = run("graph", "lenet5", "--part", "accumulate").stdout
        self.assertIn("conv2d_dw(", step)
        self.assertTrue(step.startswith("next_batch()\ntrain.gather.x, train.gather.label = gather_batch("))
        self.assertIn("adam(", run("graph", "mlp", "--part", "update", "--optimizer", "adam").stdout)
        dot = run("graph", "lenet5", "--dot").stdout
        self.assertTrue(dot.startswith("digraph cairn {"))
        self.assertEqual(dot.count("shape=ellipse"), 11)  # x, and weight and bias of 5 layers
        self.assertEqual(dot.count("[label=") - dot.count("->"), 11)  # boxes

    def peak(self, *words):
        rows = [line.split() for line in run("plan", *words).stdout.splitlines()]
        (number, unit), = [row[-2:] for row in rows if row[:1] == ["peak"]]
        return float(number) * UNITS[unit]

    @unittest.skipIf(FEW, "sanitizers take memory of their own")
    def test_peak_is_what_a_run_takes(self):
        wide = ("mlp", "--set", "widths=2000,2000", "--data", "digits", "--epochs", "1")
        for steps, words in [
                ("2", ("resnet20", "--data", "digits", "--batch", "64")),
                ("2", ("resnet20", "--data", "digits", "--batch", "64", "--recipe", "he2015", "--accumulate", "2")),
                ("100", (*wide, "--batch", "64")),
                ("100", (*wide, "--optimizer", "adam", "--ema", "0.9", "--val-split", "0.2", "--source", "streamed"))]:
            process = subprocess.Popen(
                [CAIRN, "train", *words, "--steps", steps, "--device", "cpu", "--out", self.path("a")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, process.returncode, usage = os.wait4(process.pid, 0)
            self.assertEqual(process.returncode, 0)
            taken = usage.ru_maxrss * 1024
            self.assertLess(abs(self.peak(*words) / taken - 1), 0.05, (words, taken))

    def test_memory_of_parts(self):
        plain = run("plan", "mlp", "--data", "digits").stdout
        self.assertIn("parameters, gradients, states of sgd ", plain)
        average = run("plan", "mlp", "--data", "digits", "--ema", "0.9", "--optimizer", "adam").stdout
        self.assertIn("parameters, gradients, states of adam, average", average)
        cuda = run("plan", "mlp", "--data", "digits", "--device", "cuda").stdout
        self.assertRegex(cuda, r"peak on the device +\d")
        self.assertIn("CUDA itself", cuda)
        self.assertNotIn("the program", cuda)

    def test_options_of_train(self):
        paper = ("graph", "resnet20", "--recipe", "he2015")
        self.assertIn("train.mean_image", run(*paper, "--part", "accumulate").stdout)
        self.assertNotIn("train.mean_image", run(*paper, "--part", "accumulate", "--mean", "channel").stdout)
        self.assertNotIn("batch_share", run(*paper, "--part", "accumulate").stdout)
        self.assertIn("batch_share", run(*paper, "--part", "accumulate", "--accumulate", "2").stdout)
        update = run(*paper, "--part", "update", "--clip-norm", "1", "--ema", "0.9").stdout
        self.assertIn("clip_norm(", update)
        self.assertIn("ema(average", update)
        split = run("plan", "lenet5", "--val-split", "0.1", "--augment", "crop=2", "--epochs", "2").stdout
        self.assertIn("54,000 training images", split)
        for command in ("plan", "graph", "train"):
            self.refused(command, "lenet5", "--augment", "tilt=3", says="tilt")
            self.refused(command, "lenet5", "--recipe", "he2015", says="he2015")
            self.refused(command, "lenet5", "--optimizer", "adam", "--momentum", "0.5", says="--momentum")
            self.refused(command, "lenet5", "--milestones", "10", says="--schedule step")
        self.refused("plan", "lenet5", "--val-split", "1", says="validation fraction")


if __name__ == "__main__":
    unittest.main()
