"""Models as planned and drawn, from outside: plan_test.py PATH/TO/cairn. No step is taken."""
import unittest

from command import CommandTest, run


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
        self.assertIn("60,000 training images are resident: they take 47.0 MB", table)
        streamed = run("plan", "lenet5", "--batch", "64", "--source", "streamed").stdout
        self.assertIn("training images are streamed: a window of 2 batches takes 100.4 kB", streamed)
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
