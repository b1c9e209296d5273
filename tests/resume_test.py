"""Checkpoints from outside: resume_test.py PATH/TO/cairn. Nothing is lost, whatever happens."""
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest

from command import CAIRN, CommandTest, run
from pngs import write_digits

FILES = ["model.safetensors", "state.safetensors", "checkpoint.json"]
FEW = "CAIRN_FEW" in os.environ  # repeat less: for builds that run slowly
KILLS = 2 if FEW else 100
STEPS = [64] if FEW else [1, 62, 63, 64, 100]  # to go on from; 63 are an epoch
SETTINGS = [("--optimizer", "adam"), ("--optimizer", "sgd"), ("--schedule", "one-cycle")]


class Resume(CommandTest):
    def train(self, out, *words, net=("lenet5",)):
        result = run("train", *net, "--data", "digits", "--device", "cpu", "--out", self.path(out),
                     "--quiet", *words)
        self.assertEqual(result.returncode, 0, result.stderr)

    def resume(self, *words):
        result = run("train", "--resume", *words, "--quiet")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def state(self, out, folder="checkpoint"):
        return [self.data(out, folder, name) for name in FILES]

    def rows(self, out):
        """metrics.csv without its measurement, images_per_s."""
        return [line.rpartition(",")[0] for line in self.text(out, "metrics.csv").splitlines()]

    def test_goes_on_after_any_step_with_the_same_bits(self):
        for words in SETTINGS[:1] if FEW else SETTINGS:
            words = ("--batch", "64", "--epochs", "2", "--val-split", "0.2", *words)
            self.train("whole", *words, "--threads", "2")
            for step in STEPS:
                self.train("part", *words, "--steps", str(step), "--threads", "1")
                self.resume(self.path("part"), "--steps", "126", "--threads", "4")
                self.assertEqual(self.state("part"), self.state("whole"), (words, step))
                self.assertEqual(self.state("part", "checkpoint-best"),
                                 self.state("whole", "checkpoint-best"), (words, step))
                self.assertEqual(self.rows("part"), self.rows("whole"), (words, step))
                summary = json.loads(self.text("part", "summary.json"))
                self.assertEqual(summary["test_accuracy"],
                                 json.loads(self.text("whole", "summary.json"))["test_accuracy"])

    def test_device_may_change(self):
        self.train("a", "--batch", "32", "--steps", "3")
        self.resume(self.path("a"), "--steps", "5", "--device", "reference")
        config = json.loads(self.text("a", "config.json"))
        self.assertEqual((config["device"], config["steps"]), ("reference", 5))
        self.assertEqual(len(self.rows("a")), 6)

    def test_goes_on_with_every_optimizer(self):
        for optimizer in ["adamw"] if FEW else ["nesterov", "adamw", "rmsprop"]:
            words = ("--optimizer", optimizer, "--ema", "0.9", "--clip-norm", "1")
            self.train("whole", "--steps", "8", *words)
            self.train("part", "--steps", "5", *words)
            self.resume(self.path("part"), "--steps", "8")
            self.assertEqual(self.state("part"), self.state("whole"), optimizer)
        self.refused("train", "--resume", self.path("part"), "--ema", "0.5", says="--ema")
        self.refused("train", "lenet5", "--optimizer", "adamw", "--momentum", "0.9",
                     says="--momentum doesn't belong to --optimizer adamw")

    def test_goes_on_with_the_same_changed_images(self):
        augment = "crop=3 flip=alternating cutout=5 rotate=10 shift=1 elastic=2"
        words = ("--batch", "64", "--epochs", "2", "--val-split", "0.2", "--augment", augment)
        self.train("whole", *words, "--threads", "1")
        self.train("part", *words, "--steps", "70", "--threads", "2")
        self.refused("train", "--resume", self.path("part"), "--augment", "none", says="--augment none can't change")
        self.resume(self.path("part"), "--steps", "126", "--source", "streamed", "--augment", augment)
        self.assertEqual(self.state("part"), self.state("whole"))
        config = json.loads(self.text("part", "config.json"))
        del config["settings"]["augment"]  # as older files are
        with open(self.path("part", "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.resume(self.path("part"), "--steps", "127", "--augment", "none")

    def test_keeps_the_simd_target(self):
        self.train("whole", "--steps", "4", "--simd", "avx2")
        self.train("a", "--steps", "2", "--simd", "avx2")
        self.resume(self.path("a"), "--steps", "4")
        self.assertEqual(json.loads(self.text("a", "config.json"))["simd"], "AVX2")
        self.assertEqual(self.state("a"), self.state("whole"))
        config = json.loads(self.text("a", "config.json"))
        config["simd"] = "NEON"
        with open(self.path("a", "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.assertIn("the run began with NEON", self.resume(self.path("a"), "--steps", "5").stderr)
        self.refused("eval", self.path("a"), "--simd", "sse9", says="SIMD target 'sse9'")

    def test_a_finished_run_stays_as_it_is(self):
        self.train("a", "--steps", "4")
        before = self.state("a"), self.rows("a")
        self.assertIn("nothing is left to do", self.resume(self.path("a")).stderr)
        self.assertEqual((self.state("a"), self.rows("a")), before)

    def test_keeps_checkpoints_and_goes_back_to_one(self):
        self.train("a", "--steps", "20", "--checkpoint-every", "4", "--keep", "3")
        kept = [name for name in os.listdir(self.path("a")) if name.startswith("checkpoint-")]
        self.assertEqual(sorted(kept), ["checkpoint-12", "checkpoint-16"])
        for name, step in [("checkpoint", 20), ("checkpoint-12", 12)]:
            info = json.loads(self.text("a", name, "checkpoint.json"))
            self.assertEqual(info["step_state"]["step"], step)
        whole = self.state("a")
        self.resume(self.path("a", "checkpoint-12"))
        self.assertEqual(self.state("a"), whole)
        self.assertEqual(len(self.rows("a")), 21)
        self.assertEqual(run("eval", self.path("a", "checkpoint-16")).returncode, 0)

    def test_best_is_that_of_the_validation_split(self):
        self.train("a", "--epochs", "4", "--val-split", "0.3", "--lr", "0.2", "--batch", "16")
        best = json.loads(self.text("a", "checkpoint-best", "checkpoint.json"))
        summary = json.loads(self.text("a", "summary.json"))
        self.assertEqual(best["best"], best["judged"])
        self.assertEqual(best["best"]["step"], summary["best"]["step"])
        self.assertGreaterEqual(best["best"]["accuracy"], summary["validation_accuracy"])
        self.train("b", "--steps", "3")
        self.assertFalse(os.path.exists(self.path("b", "checkpoint-best")))

    def test_killed_at_random_moments(self):
        words = ("--batch", "50", "--epochs", "3", "--checkpoint-every", "7", "--keep", "2",
                 "--val-split", "0.2")
        net = ("mlp", "--set", "widths=24")
        begin = time.monotonic()
        self.train("whole", *words, net=net)
        span = time.monotonic() - begin
        moments = random.Random(1)
        kills = 0
        for i in range(6 * KILLS):
            if kills == KILLS:
                break
            shutil.rmtree(self.path("a"), ignore_errors=True)
            process = subprocess.Popen(
                [CAIRN, "train", *net, "--data", "digits", "--device", "cpu", "--out",
                 self.path("a"), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(moments.uniform(0, span))
            if process.poll() is None:
                kills += 1
            process.send_signal(signal.SIGKILL)
            process.wait()
            if os.path.exists(self.path("a", "config.json")):
                self.resume(self.path("a"))
            else:  # there was no run yet: as a user would, start it again
                self.train("a", *words, net=net)
            self.assertEqual(self.state("a"), self.state("whole"), i)
            self.assertEqual(self.state("a", "checkpoint-best"),
                             self.state("whole", "checkpoint-best"), i)
            self.assertEqual(self.rows("a"), self.rows("whole"), i)
        self.assertEqual(kills, KILLS)

    @unittest.skipIf(FEW, "a residual net's training: release builds do it")
    def test_the_papers_training_stopped_interrupted_and_killed(self):
        """Batch norm, crops, flips and per-pixel means, over the borders of epochs of 4 steps."""
        words = ("--data", write_digits(self.path("few"), 60, 20), "--recipe", "he2015", "--batch", "16",
                 "--checkpoint-every", "3", "--val-split", "0.05")
        net = ("resnet20",)
        steps = ("--steps", "24")
        self.train("whole", *words, *steps, "--threads", "2", net=net)

        def goes_on(*how):
            self.resume(self.path("a"), *steps, *how)
            self.assertEqual(self.state("a"), self.state("whole"), how)
            self.assertEqual(self.state("a", "checkpoint-best"), self.state("whole", "checkpoint-best"), how)
            self.assertEqual(self.rows("a"), self.rows("whole"), how)

        for step in ["3", "4", "5", "23"]:  # around the end of an epoch
            self.train("a", *words, "--steps", step, "--threads", "1", net=net)
            goes_on("--threads", "3", "--source", "streamed")
        for number in [signal.SIGINT, signal.SIGKILL]:
            shutil.rmtree(self.path("a"), ignore_errors=True)
            process = subprocess.Popen(
                [CAIRN, "train", *net, *words, *steps, "--device", "cpu", "--out", self.path("a"), "--quiet"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not os.path.exists(self.path("a", "checkpoint", "checkpoint.json")):
                time.sleep(0.01)
            process.send_signal(number)
            self.assertEqual(process.wait(), 130 if number == signal.SIGINT else -number)
            goes_on()

    def test_signals_save_within_a_step(self):
        steps = "120" if FEW else "400"
        self.train("whole", "--steps", steps)
        for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            process = subprocess.Popen(
                [CAIRN, "train", "lenet5", "--data", "digits", "--steps", steps, "--device", "cpu",
                 "--out", self.path("a")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True)
            with process:
                for line in process.stderr:
                    if line.startswith("epoch 1/"):
                        break
                process.send_signal(number)
                process.communicate(timeout=60)
            self.assertEqual(process.returncode, code)
            summary = json.loads(self.text("a", "summary.json"))
            self.assertTrue(summary["interrupted"])
            self.assertEqual(len(self.rows("a")), summary["steps"] + 1)
            self.assertLess(summary["steps"], int(steps))
            self.resume(self.path("a"))
            self.assertEqual(self.state("a"), self.state("whole"))

    def test_what_can_not_change_is_refused(self):
        self.train("a", "--steps", "6", "--batch", "32")
        for words in [("--batch", "16"), ("--lr", "0.5"), ("--seed", "2"), ("--epochs", "9"),
                      ("--data", "mnist"), ("--optimizer", "adam"), ("--out", self.path("b"))]:
            self.refused("train", "--resume", self.path("a"), *words, says=words[0])
        self.refused("train", "mlp", "--resume", self.path("a"), says="MODEL")
        self.refused("train", "--resume", self.path("a"), "--steps", "5", says="step 6")
        same = run("train", "lenet5", "--batch", "32", "--resume", self.path("a"))
        self.assertEqual(same.returncode, 0, same.stderr)
        self.refused("train", says="MODEL")

    def test_damaged_runs_are_refused_and_left_alone(self):
        self.fails("train", "--resume", self.path("nowhere"), says="is no run folder")
        self.train("a", "--steps", "6")
        self.train("b", "--steps", "6", net=("mlp",))
        shutil.copytree(self.path("a"), self.path("other"))
        shutil.rmtree(self.path("other", "checkpoint"))
        shutil.copytree(self.path("b", "checkpoint"), self.path("other", "checkpoint"))
        self.fails("train", "--resume", self.path("other"), says="another model")
        for name in FILES:
            shutil.rmtree(self.path("cut"), ignore_errors=True)
            shutil.copytree(self.path("a"), self.path("cut"))
            with open(self.path("cut", "checkpoint", name), "r+b") as file:
                file.truncate(100)
            before = self.state("cut"), self.rows("cut")
            self.fails("train", "--resume", self.path("cut"), "--steps", "8", says=name)
            self.assertEqual((self.state("cut"), self.rows("cut")), before)

    def test_a_full_disk_leaves_the_last_checkpoint_whole(self):
        self.train("a", "--steps", "6")
        before = self.state("a")

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        result = subprocess.run([CAIRN, "train", "--resume", self.path("a"), "--steps", "9"],
                                capture_output=True, text=True, preexec_fn=limit)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("cannot write", result.stderr)
        self.assertIn("model.safetensors", result.stderr)
        self.assertEqual(self.state("a"), before)
        self.resume(self.path("a"), "--steps", "9")
        self.train("whole", "--steps", "9")
        self.assertEqual(self.state("a"), self.state("whole"))

    def test_folders_that_can_not_be_written(self):
        with open(self.path("file"), "w", encoding="utf-8") as file:
            file.write("x")
        self.refused("train", "lenet5", "--data", "digits", "--out", self.path("file"),
                     says="is a file")
        self.fails("train", "lenet5", "--data", "digits", "--out", self.path("file", "run"),
                   says="cannot make the folder")

    def test_a_loss_that_is_not_finite_names_step_and_tensor(self):
        result = run("train", "mlp", "--set", "widths=20", "--data", "digits", "--lr", "1e6",
                     "--schedule", "constant", "--out", self.path("a"))
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"the loss is (nan|infinite) at step \d+; the first tensor "
                                        r"that isn't finite is \w+")
        self.assertFalse(os.path.exists(self.path("a", "checkpoint", "model.safetensors")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
