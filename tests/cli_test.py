"""The built command from outside: cli_test.py PATH/TO/cairn. Trains on the embedded digits."""
import csv
import gzip
import json
import os
import re
import subprocess
import unittest

from command import CAIRN, CommandTest, run
from pngs import DIGITS, digits, write_digits, write_png

HEADER = "step,epoch,loss,accuracy,lr,images_per_s"


class Cli(CommandTest):
    def train(self, out, *words):
        result = run("train", "lenet5", "--data", "digits", "--steps", "20", "--batch", "32",
                     "--device", "cpu", "--out", self.path(out), *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_help(self):
        for words in [[], ["train"], ["eval"], ["data"], ["data", "list"], ["data", "fetch"],
                      ["data", "verify"], ["predict"], ["weights"], ["op"], ["plan"], ["graph"], ["ops"], ["doctor"],
                      ["check"], ["bench"]]:
            result = run(*words, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn("Examples:", result.stdout)
            self.assertEqual(result.stderr, "")
        self.assertIn("lenet5relu", run("train", "--help").stdout)
        self.assertRegex(run("--version").stdout, r"^cairn \d+\.\d+")

    @unittest.skipIf("CAIRN_FEW" in os.environ, "a whole training: release builds do it")
    def test_first_steps(self):
        """What `cairn` alone tells a newcomer to type works as it stands; the last wants a network."""
        steps = re.findall(r"^  cairn (.*)$", run().stdout, re.MULTILINE)
        self.assertEqual(len(steps), 3)
        for step in steps[:2]:
            result = subprocess.run([CAIRN, *step.split()], capture_output=True, text=True,
                                    cwd=self.folder.name, timeout=300)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("accuracy", result.stdout)
        self.assertEqual(steps[2], "data fetch mnist")

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
        self.refused("train", "resnet18", says="--data is missing")
        self.refused("train", "lenet5", "--data", "digits", "--conv", "winograd", says="cudnn")
        self.refused("train", "lenet5", "--data", self.path(), "--conv", "winograd", says="choose im2col, implicit")
        self.refused("bench", "conv2d", "--conv", "winograd", says="choose im2col, implicit")
        self.refused("check", "conv2d", "--conv", "winograd", says="choose im2col, implicit")
        for option in ["--conv", "--batch-norm"]:
            self.refused("train", "lenet5", "--data", "digits", "--device", "cpu", option, "cudnn", says="is for CUDA")
        self.refused("train", "lenet5", "--data", self.path(), "--batch-norm", "auto", says="choose own or cudnn")

    def test_set_that_is_not_fetched(self):
        result = subprocess.run([CAIRN, "train", "lenet5"], capture_output=True, text=True,
                                env={**os.environ, "CAIRN_DATA": self.path("empty")})
        self.assertEqual(result.returncode, 1)
        self.assertIn("cairn data fetch mnist", result.stderr)
        self.assertIn("--data digits", result.stderr)

    def test_ops(self):
        self.assertRegex(run("ops").stdout, r"conv2d_dw +kernels/conv2d +sums over the batch +no")
        self.assertIn("activation=none (none, relu, tanh, sigmoid, scaled_tanh)", run("ops", "conv2d").stdout)
        self.refused("ops", "conv3d", says="conv2d")
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "..", "scripts", "on_gpu_run.sh"), encoding="utf-8") as file:
            names = re.search(r"^sanitized=\((.*)\)$", file.read(), re.MULTILINE)[1].split()
        for name in names:
            self.assertEqual(run("ops", name).returncode, 0, f"on_gpu_run.sh: {name}")
        with open(os.path.join(here, "..", "docs", "ops.md"), encoding="utf-8") as file:
            self.assertEqual(run("ops", "--markdown").stdout, file.read(),
                             "write docs/ops.md again: cairn ops --markdown > docs/ops.md")

    def test_check(self):
        result = run("check", "relu", "next_step", "--device", "cpu", "--threads", "2")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stdout, r"(?m)^relu +\d+ +\d\.\d\d +\d\.\d\d .* ok$")
        self.assertRegex(result.stdout, r"2 ops, \d+ rows, [\d,]+ checks: all passed")
        report = json.loads(run("check", "accumulate", "--json").stdout)
        self.assertTrue(report["passed"])
        op, = report["ops"]
        self.assertEqual([op["op"], op["failures"]], ["accumulate", []])
        for name in ["golden", "device"]:
            self.assertGreater(op["properties"][name]["checks"], 0)
            self.assertLessEqual(op["properties"][name]["worst_error_over_tolerance"], 1)
        self.refused("check", "rellu", says="relu")
        self.refused("check", "relu", "--device", "tpu", says="tpu")

    def test_bench(self):
        table = run("bench", "tanh", "--seconds", "0.01", "--device", "cpu").stdout
        self.assertRegex(table, r"(?m)^cpu .* GB/s copied, \d+ GFLOP/s of multiply-adds, \d+ ns to dispatch a node$")
        self.assertRegex(table, r"(?m)^tanh +\w+ +cpu +[\d.]+ [um]s ")
        self.assertRegex(table, r"(?m)^tanh_grad +tanh\.")
        lines = [json.loads(line) for line in
                 run("bench", "linear", "--seconds", "0.01", "--json").stdout.splitlines()]
        self.assertEqual({line["op"] for line in lines}, {"linear", "linear_dx", "linear_dw", "bias_grad"})
        for line in lines:
            self.assertGreater(line["seconds"], 0)
            self.assertAlmostEqual(line["share_of_copy"] * line["copy_bytes_per_s"],
                                   line["bytes"] / line["seconds"], delta=1e-6 * line["bytes_per_s"])
        self.refused("bench", "rellu", says="relu")
        self.refused("bench", "relu", "--seconds", "0", says="above 0")
        self.refused("bench", "relu", "--access-report", "--device", "cpu", says="preset `simt-check`")

    def test_train_bench(self):
        program = [os.path.join(os.path.dirname(CAIRN), "train_bench"), "--batch", "8", "--steps", "1"]
        windows = ["--windows", "1", "--max-windows", "1"]
        result = subprocess.run([*program, *windows], capture_output=True, text=True, timeout=300)
        self.assertRegex(result.stdout, r"^peer=cairn net=lenet5 batch=8 threads=1 images_per_s=[1-9]")
        for words, says in [(["--conv", "winograd"], "choose im2col"), (["--conv", "implicit"], "is for CUDA"),
                            (["--net", "alexnet"], "lenet5")]:
            result = subprocess.run([*program, *words], capture_output=True, text=True, timeout=300)
            self.assertEqual([result.returncode, result.stdout], [2, ""])
            self.assertIn(says, result.stderr)

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
        self.refused("eval", self.path("a"), "--conv", "winograd", says="choose im2col, implicit")
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

    def test_augment(self):
        self.train("a", "--augment", "flip=random crop=2")
        self.train("b", "--augment", "none"), self.train("c")
        self.assertEqual([json.loads(self.text(run, "config.json"))["settings"]["augment"] for run in "abc"],
                         ["crop=2 flip=random", "none", "none"])
        weights = [self.data(run, "checkpoint", "model.safetensors") for run in "abc"]
        self.assertTrue(weights[0] != weights[1] == weights[2])
        words = ("--data", write_digits(self.path("few"), 20, 10), "--steps", "1", "--batch", "8")
        run("train", "resnet20", *words, "--out", self.path("d"))
        self.assertEqual(json.loads(self.text("d", "config.json"))["settings"]["augment"], "crop=4 flip=random")
        for text, says in [("crop=-1", "out of range"), ("crops=2", "it takes crop, flip"), ("crop", "name=value"),
                           ("flip=up", "is none of none, random, alternating"), ("crop=x", "no number")]:
            self.refused("train", "lenet5", "--data", "digits", "--augment", text, says=says)

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
        self.assertRegex(listing, r"fashion-mnist +articles of clothing")
        self.assertRegex(listing, r"cifar10 +photographs")
        self.assertEqual(run("data", "fetch", "digits").returncode, 1)
        self.refused("data", "fetch", "nosuch", says="no data set is called 'nosuch'")

    def test_folder_of_pngs(self):
        words = ["--batch", "16", "--steps", "8", "--device", "cpu"]
        for number, (rows, label) in enumerate(digits("train")[:60]):
            for part in ["train", "test"] if number < 30 else ["train"]:
                write_png(self.path("set", part, f"digit{label}", f"{number}.png"), rows)
        result = run("train", "lenet5", "--data", self.path("set"), *words, "--out", self.path("a"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(self.text("a", "config.json"))["class_names"],
                         [f"digit{k}" for k in range(10)])
        self.assertRegex(run("eval", self.path("a")).stdout, r"digit8 +digit9\n")
        answer = json.loads(run("eval", self.path("a"), "--json").stdout)
        self.assertEqual(answer["classes"][3], "digit3")
        self.assertEqual(answer["images"], 30)
        self.assertIn("digit", run("predict", self.path("a"),
                                   self.path("set", "test", "digit5", "0.png")).stdout)
        self.refused("eval", self.path("a"), "--data", "nosuch", says="nosuch")
        self.assertIn("60 training images", run("plan", "lenet5", "--data", self.path("set"),
                                                             "--batch", "16").stdout)
        # Without parts the seed chooses the test images, for eval and --resume too.
        result = run("train", "mlp", "--data", self.path("set", "train"), *words, "--seed", "4",
                     "--out", self.path("b"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("12 of its 60 images", result.stderr)
        summary = json.loads(self.text("b", "summary.json"))
        answer = json.loads(run("eval", self.path("b"), "--json").stdout)
        self.assertEqual(answer["accuracy"], summary["test_accuracy"])
        self.assertEqual(answer["loss"], summary["test_loss"])
        result = run("train", "--resume", self.path("b"), "--steps", "12")
        self.assertEqual(result.returncode, 0, result.stderr)
        write_png(self.path("set", "train", "digit3", "wide.png"), [[0] * 20] * 28)
        self.fails("train", "lenet5", "--data", self.path("set"),
                   says=["wide.png is 20 x 28 pixels, grey", "28 x 28 pixels"])

    def test_streamed_images(self):
        os.mkdir(self.path("set"))
        for name in os.listdir(DIGITS):
            if name.endswith(".gz"):
                with gzip.open(os.path.join(DIGITS, name)) as file, \
                        open(self.path("set", name[:-3]), "wb") as plain:
                    plain.write(file.read())
        words = ["train", "mlp", "--data", self.path("set"), "--batch", "512", "--val-split", "0.1",
                 "--optimizer", "adam", "--device", "cpu", "--quiet"]
        for out, more in [("whole", ["--steps", "12"]), ("part", ["--source", "streamed", "--steps", "8"])]:
            result = run(*words, *more, "--threads", "2", "--out", self.path(out))
            self.assertEqual(result.returncode, 0, result.stderr)
        result = run("train", "--resume", self.path("part"), "--steps", "12", "--threads", "1")
        self.assertEqual(result.returncode, 0, result.stderr)
        sources = [json.loads(self.text(out, "config.json"))["settings"]["source"]
                   for out in ["whole", "part"]]
        self.assertEqual(sources, ["resident", "streamed"])
        for name in ["model.safetensors", "state.safetensors", "checkpoint.json"]:
            self.assertEqual(self.data("part", "checkpoint", name), self.data("whole", "checkpoint", name))
        rows = [[line.rpartition(",")[0] for line in self.text(out, "metrics.csv").splitlines()]
                for out in ["whole", "part"]]
        self.assertEqual(len(rows[0]), 13)
        self.assertEqual(rows[0], rows[1])
        self.assertEqual(run("eval", self.path("part"), "--json").returncode, 0)
        self.refused(*words, "--source", "tape", says="streamed")
        os.remove(self.path("set", "train-images-idx3-ubyte"))
        with gzip.open(self.path("set", "train-images-idx3-ubyte.gz"), "wb") as file:
            file.write(b"\0\0\x08\x03")
        self.fails(*words, "--source", "streamed", "--out", self.path("c"),
                   says=["train-images-idx3-ubyte.gz is packed", "gunzip -k"])

    def predicted(self, *words):
        result = run("predict", *words, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return [image["guesses"][0] for image in json.loads(result.stdout)["images"]]

    def test_predict(self):
        result = run("train", "lenet5", "--data", "digits", "--epochs", "2", "--batch", "32", "--lr", "0.05",
                     "--device", "cpu", "--out", self.path("runs", "a"))
        self.assertEqual(result.returncode, 0, result.stderr)
        names, labels = {"as they are": [], "scanned": [], "colour": [], "half": []}, []
        for number, (rows, label) in enumerate(digits("t10k")[:25]):
            labels.append(label)
            page = [[230] * 130 for _ in range(100)]
            for y in range(84):
                for x in range(84):
                    page[y + 9][x + 33] = 230 - rows[y // 3][x // 3] * 200 // 255
            half = [[sum(rows[2 * y + a][2 * x + b] for a in (0, 1) for b in (0, 1)) // 4
                     for x in range(14)] for y in range(14)]
            colour = [[(v // 2, v, v) for v in row] for row in page]
            for name, image in zip(names, [rows, page, colour, half]):
                file = self.path(f"{name} {number}.png")
                write_png(file, image)
                names[name].append(file)
        originals = self.predicted(self.path("runs", "a"), *names["as they are"])
        right = sum(a["class"] == b for a, b in zip(originals, labels))
        self.assertGreaterEqual(right, 22)
        # Where the run is sure of a digit, its size, place and colours change nothing.
        sure = [i for i, guess in enumerate(originals) if guess["probability"] > 0.9]
        self.assertGreaterEqual(len(sure), 15)
        for name in ["scanned", "colour", "half"]:
            found = self.predicted(*names[name], "--run", self.path("runs", "a", "checkpoint"))
            same = [a["class"] == b["class"] for a, b in zip(found, originals)]
            self.assertGreaterEqual(sum(same), 22, name)
            if name != "half":  # which is a coarser picture
                self.assertTrue(all(same[i] for i in sure), name)
        # The newest run of runs/ where none is named.
        self.train("runs/b", "--steps", "2")
        result = subprocess.run([CAIRN, "predict", names["half"][0]], capture_output=True,
                                text=True, cwd=self.path())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("run: runs/b (lenet5 on digits)", result.stderr)
        self.assertEqual(result.stdout.count("%"), 3)

    def test_predict_errors(self):
        os.mkdir(self.path("empty"))
        write_png(self.path("blank.png"), [[255] * 9] * 9)
        result = subprocess.run([CAIRN, "predict", "blank.png"], capture_output=True, text=True,
                                cwd=self.path())
        self.assertEqual(result.returncode, 1)
        self.assertIn("there is no trained run in runs/", result.stderr)
        self.refused("predict", says="IMAGE is missing")
        self.train("a", "--steps", "2")
        self.refused("predict", self.path("a"), says="an image is missing")
        self.fails("predict", self.path("empty"), self.path("blank.png"), says="is no run folder")
        self.fails("predict", self.path("a"), self.path("empty"), says="is a folder, not an image")
        self.fails("predict", self.path("a"), self.path("a", "metrics.csv"),
                   says="metrics.csv can't be read as PNG")
        self.fails("predict", self.path("a"), self.path("none.png"), says="none.png")
        self.fails("predict", self.path("a"), self.path("blank.png"), says="shows nothing")


if __name__ == "__main__":
    unittest.main(verbosity=2)
