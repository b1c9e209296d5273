"""cairn weights, train --init, eval --weights, from outside; hostile files' memory.

usage: weights_test.py PATH/TO/cairn
"""
import json
import os
import struct
import subprocess
import unittest

from command import CAIRN, CommandTest, run


def safetensors(header, data=b""):
    return struct.pack("<Q", len(header)) + header + data


ENTRY = b':{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
MODEL = safetensors(b'{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
                    b'"n":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}', struct.pack("<ffq", 0.5, -3, 7))


def peak_bytes(path):
    """The exit code of `cairn weights list` and the most memory that it held."""
    process = subprocess.Popen([CAIRN, "weights", "list", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss * 1024


class WeightsTest(CommandTest):
    def file(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def test_list(self):
        a = self.file("a", MODEL)
        text = run("weights", "list", a).stdout
        for word in ["w ", "float32", "(2)", "-3", "n ", "int64", "2 tensors, 3 elements, 16 bytes", "format: \"pt\""]:
            self.assertIn(word, text)
        answer = json.loads(run("weights", "list", a, "--json").stdout)
        self.assertEqual(answer["metadata"], {"format": "pt"})
        self.assertEqual(answer["tensors"][0], {"name": "w", "dtype": "float32", "shape": [2], "elements": 2,
                                                "min": -3.0, "max": 0.5, "mean": -1.25, "not_finite": 0})
        self.fails("weights", "list", self.file("bad", MODEL + b"x"), says=['bad: 1 bytes after tensor "n"'])
        self.fails("weights", "list", self.path("none"), says="none")
        self.refused("weights", "list", says="FILE is missing")

    def test_convert_and_diff(self):
        a, b, c = self.file("a", MODEL), self.path("b"), self.path("c")
        self.assertEqual(run("weights", "convert", a, b, "--dtype", "float64").returncode, 0)
        self.assertEqual(run("weights", "convert", b, c, "--dtype", "float32").returncode, 0)
        self.assertEqual(self.data("c")[-16:], MODEL[-16:])
        self.assertEqual(run("weights", "diff", a, b).returncode, 0)
        d = self.file("d", MODEL.replace(struct.pack("<f", -3), struct.pack("<f", -2.75)))
        result = run("weights", "diff", a, d)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"w +0.25 +0.0833 +1 +differs")
        self.assertEqual(run("weights", "diff", a, d, "--tolerance", "0.1").returncode, 0)
        e = self.file("e", safetensors(b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4))
        answer = json.loads(run("weights", "diff", a, e, "--json").stdout)
        self.assertEqual([t.get("problem") for t in answer["tensors"]], ["shape (2) against (1)", f"only in {a}"])
        large = self.file("large", safetensors(b'{"v":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}',
                                               struct.pack("<d", 1e300)))
        self.fails("weights", "convert", large, self.path("f"), "--dtype", "float32",
                   says=['large: tensor "v": 1e+300 lies outside float32'])
        self.assertFalse(os.path.exists(self.path("f")))
        self.refused("weights", "convert", a, b, "--dtype", "float16", says="float16")

    @unittest.skipIf("CAIRN_FEW" in os.environ, "sanitizers hold freed memory")
    def test_hostile_files_take_little_memory(self):
        _, little = peak_bytes(self.file("a", MODEL))
        size = 100_000_000
        hostile = {"brackets": (b'{"a":', b"[", b""), "numbers": (b'{"a":{"shape":[1', b",1", b"]}"),
                   "name": (b'{"', b"n", b'":{}}'), "escapes": (b'{"', b"\\u0041", b'":{}}'),
                   "entries": (b'{"a"' + ENTRY, b',"a"' + ENTRY, b"}"),
                   "metadata": (b'{"__metadata__":{"":""', b',"":""', b"}}"),
                   "value": (b'{"__metadata__":{"k":"', b"v", b'"}}'), "spaces": (b"{", b" ", b"")}
        for name, (begin, middle, end) in hostile.items():
            times = (size - len(begin) - len(end)) // len(middle)
            with open(self.path(name), "wb") as file:
                file.write(struct.pack("<Q", len(begin) + times * len(middle) + len(end)) + begin)
                for _ in range(times // 100_000):
                    file.write(middle * 100_000)
                file.write(middle * (times % 100_000) + end)
            code, peak = peak_bytes(self.path(name))
            length = os.path.getsize(self.path(name))
            os.remove(self.path(name))
            self.assertEqual(code, 1, name)
            self.assertLess(peak, little + length + 64_000_000, name)

    def test_init(self):
        words = ["train", "lenet5", "--data", "digits", "--device", "cpu", "--quiet"]
        result = run(*words, "--steps", "10", "--out", self.path("a"))
        self.assertEqual(result.returncode, 0, result.stderr)
        weights = self.path("a", "checkpoint", "model.safetensors")
        for out, more in [("b", ["--steps", "1", "--lr", "1e-30"]), ("c", ["--steps", "5", "--ema", "0.99"])]:
            result = run(*words, "--seed", "9", "--init", weights, "--out", self.path(out), *more)
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(run("weights", "diff", weights, self.path("b", "checkpoint", "model.safetensors"),
                             "--tolerance", "1e-7").returncode, 0)
        self.assertEqual(json.loads(self.text("c", "config.json"))["init"], weights)
        self.fails(*words, "--init", self.file("m", MODEL), "--out", self.path("d"),
                   says=[self.path("m") + ": there is no tensor 'conv1.weight'"])
        self.assertFalse(os.path.exists(self.path("d")))
        self.refused("train", "--resume", self.path("b"), "--init", weights, says="exclude each other")

    def test_a_run_from_weights_goes_on_without_their_file(self):
        words = ["train", "mlp", "--data", "digits", "--device", "cpu", "--quiet"]
        run(*words, "--steps", "3", "--out", self.path("a"))
        weights = self.path("w")
        os.rename(self.path("a", "checkpoint", "model.safetensors"), weights)
        for out, steps in [("whole", "6"), ("part", "3")]:
            result = run(*words, "--init", weights, "--steps", steps, "--out", self.path(out))
            self.assertEqual(result.returncode, 0, result.stderr)
        os.remove(weights)
        self.assertEqual(run("train", "--resume", self.path("part"), "--steps", "6").returncode, 0)
        for name in ["model.safetensors", "state.safetensors"]:
            self.assertEqual(self.data("part", "checkpoint", name), self.data("whole", "checkpoint", name))

    def test_eval_weights(self):
        run("train", "lenet5", "--data", "digits", "--steps", "10", "--out", self.path("a"))
        weights = self.path("a", "checkpoint", "model.safetensors")
        answers = []
        for words in [[self.path("a")], [self.path("a"), "--weights", weights],
                      ["--weights", weights, "--model", "lenet5", "--data", "digits"]]:
            result = run("eval", *words, "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            answers.append(json.loads(result.stdout))
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])
        self.refused("eval", says="RUN is missing")
        self.refused("eval", "--weights", weights, says="--weights needs a model")
        self.refused("eval", self.path("a"), "--model", "mlp", says="don't belong to a run")
        self.fails("eval", "--weights", weights, "--model", "mlp", "--data", "digits", "--logits", self.path("x"),
                   says="model.safetensors: 'fc1.weight' has shape")
        self.assertFalse(os.path.exists(self.path("x")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
