"""cairn op from outside, with 30 lines of Python for its files.

usage: op_test.py PATH/TO/cairn
"""
import json
import os
import struct
import subprocess
import time
import unittest

from command import CAIRN, CommandTest, run

CODES = {"F32": "f", "F64": "d", "I64": "q", "I32": "i", "U8": "B"}


def write(path, tensors):
    """`tensors`: name -> (dtype, shape, values)."""
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        block = struct.pack(f"<{len(values)}{CODES[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(block)]}
        data += block
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    return path


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {name: (e["dtype"], e["shape"], list(struct.unpack(
        f"<{(e['data_offsets'][1] - e['data_offsets'][0]) // struct.calcsize(CODES[e['dtype']])}{CODES[e['dtype']]}",
        data[slice(*e["data_offsets"])]))) for name, e in header.items()}


class OpTest(CommandTest):
    def op(self, name, tensors, *words):
        write(self.path("in"), tensors)
        result = run("op", name, "--in", self.path("in"), "--out", self.path("out"), *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return read(self.path("out"))

    def wrong(self, name, tensors, *words, says):
        write(self.path("in"), tensors)
        self.fails("op", name, "--in", self.path("in"), "--out", self.path("none"), *words, says=says)
        self.assertFalse(os.path.exists(self.path("none")))

    def test_conv2d(self):
        x, w = ("F32", [1, 1, 3, 3], list(range(9))), ("F64", [1, 1, 2, 2], [1, 0, 0, -1])
        self.assertEqual(self.op("conv2d", {"x": x, "w": w}), {"y": ("F32", [1, 1, 2, 2], [-4.0] * 4)})
        out = self.op("conv2d", {"x": x, "w": w, "b": ("F32", [1], [10]), "dy": ("F32", [1, 1, 1, 2], [1, 2])},
                      "--attr", "stride=2,1", "--grad", "--device", "reference", "--dtype", "float64")
        self.assertEqual(out["y"], ("F64", [1, 1, 1, 2], [6.0, 6.0]))
        self.assertEqual(out["dx"], ("F64", [1, 1, 3, 3], [1, 2, 0, 0, -1, -2, 0, 0, 0]))
        self.assertEqual(out["dw"], ("F64", [1, 1, 2, 2], [2, 5, 11, 14]))
        self.assertEqual(out["db"], ("F64", [1], [3]))

    def test_labels_and_indices(self):
        out = self.op("softmax_cross_entropy", {"logits": ("F64", [2, 2], [0, 0, 0, 0]), "labels": ("I64", [2], [1, 0])})
        self.assertAlmostEqual(out["loss"][2][0], 0.6931472, places=6)
        out = self.op("max_pool2d", {"x": ("F32", [1, 1, 2, 2], [1, 5, 2, 3])})
        self.assertEqual(out["indices"], ("I64", [1, 1, 1, 1], [1]))
        out = self.op("max_pool2d", {"x": ("F32", [1, 1, 1, 3], [1, 5, 2])}, "--attr", "kernel_size=1,2", "--attr",
                      "ceil_mode=true")
        self.assertEqual(out["y"], ("F32", [1, 1, 1, 2], [5, 2]))

    def test_optimizer(self):
        table = {"begins": ("I64", [2], [0, 1]), "multipliers": ("F32", [1, 2], [1, 1])}
        out = self.op("sgd", {k: ("F32", [1], [v]) for k, v in
                              {"parameters": 1, "gradients": 2, "momentum": 4}.items()} | table,
                      "--attr", "momentum=0.5", "--state", "lr=0.25")
        self.assertEqual((out["parameters"][2], out["momentum"][2]), ([0.0], [4.0]))

    def test_gradients_that_are_none_are_zeros(self):
        out = self.op("softmax_cross_entropy", {"logits": ("F32", [1, 2], [0, 0]), "labels": ("I64", [1], [0]),
                                                "dloss": ("F32", [], [2])}, "--grad")
        self.assertEqual(out["dlogits"], ("F32", [1, 2], [-1.0, 1.0]))

    def test_bad_input(self):
        x = ("F32", [2, 3], [0] * 6)
        self.wrong("relu", {}, says='in: relu needs a tensor "x"')
        self.wrong("relu", {"x": x, "z": x}, says='in: tensor "z": relu doesn\'t take it')
        self.wrong("relu", {"x": x, "dy": x}, says='tensor "dy"')
        self.wrong("relu", {"x": x}, "--grad", says='there is no tensor "dy"')
        self.wrong("relu", {"x": x, "dy": ("F32", [3, 2], [0] * 6)}, "--grad",
                   says='tensor "dy": has shape (3, 2), but the output\'s is (2, 3)')
        self.wrong("relu", {"x": ("I64", [1], [0])}, says='tensor "x": is int64, but relu takes float32')
        self.wrong("relu", {"x": x}, "--attr", "slope=1", says="relu has no attribute 'slope'")
        self.wrong("conv2d", {"x": x, "w": x}, "--attr", "stride=0", says="stride=0 is out of range")
        self.wrong("conv2d", {"x": x, "w": x}, "--attr", "stride=a", says="stride=a is no number")
        self.wrong("conv2d", {"x": x, "w": x}, says="conv2d: ")
        self.wrong("linear", {"x": ("F32", [], [0]), "w": x}, says='tensor "x": is a scalar')
        self.wrong("one_hot", {"labels": ("F32", [1], [0])}, "--attr", "num_classes=2", says="whole numbers, such as int64")
        self.wrong("one_hot", {"labels": ("I64", [1], [1 << 40])}, "--attr", "num_classes=2", says="lies outside int32")
        self.wrong("one_hot", {"labels": ("I64", [1], [2])}, "--attr", "num_classes=2", says="one_hot: ")
        self.wrong("mse_loss", {"prediction": x, "target": ("F32", [3, 3], [0] * 9)},
                   says='tensor "target": has 3 examples, but those before it have 2')
        self.wrong("one_hot", {"labels": ("I64", [1], [0])}, "--grad", says="one_hot has no derivative")
        self.wrong("relu", {"x": x}, "--dtype", "float64", says="dtype float64 doesn't work on device \"cpu\"")
        self.wrong("sgd", {}, "--state", "speed=1", says="state has no attribute 'speed'")
        self.fails("op", "relu", "--in", self.path("nowhere"), "--out", self.path("none"), says="nowhere")
        write(self.path("in"), {"x": x})
        self.refused("op", "relu", "--in", self.path("in"), "--out", self.path("none"), "--device", "abacus", says="abacus")
        self.refused("op", "relu", says="--in is missing")
        self.refused("op", "--list", "--dtype", "int8", says="int8")
        self.refused("op", "rellu", "--in", self.path("in"), "--out", self.path("none"), says="relu")

    def test_list(self):
        ops = {op["name"]: op for op in json.loads(run("op", "--list", "--json").stdout)["ops"]}
        conv2d = ops["conv2d"]
        self.assertEqual([(i["name"], i["optional"]) for i in conv2d["inputs"]], [("x", False), ("w", False), ("b", True)])
        stride = conv2d["attributes"][0]
        self.assertEqual((stride["name"], stride["default"], stride["type"]), ("stride", [1, 1], "integer"))
        self.assertEqual(conv2d["devices"][:2], ["reference", "cpu"])
        self.assertTrue(conv2d["gradient"])
        self.assertEqual(ops["clamp"]["attributes"][0]["default"], "-inf")
        text = run("op", "--list").stdout
        for op in ops:
            self.assertIn(f"\n{op} ", "\n" + text)

    def test_batch_file(self):
        write(self.path("a"), {"x": ("F32", [2], [-1, 2]), "dy": ("F32", [2], [3, 4])})
        good = {"op": "relu", "in": self.path("a"), "out": self.path("b"), "grad": True, "device": "cpu", "dtype": "float32"}
        lines = [good, {"op": "relu", "in": self.path("a")}, "{", good | {"op": "rellu"}, good | {"speed": 1},
                 good | {"attrs": {"k": None}}, good | {"grad": 1}, good | {"in": self.path("c")},
                 good | {"attrs": {}, "out": self.path("d"), "device": "reference", "dtype": "float64"}]
        with open(self.path("requests"), "w", encoding="utf-8") as file:
            file.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        result = run("op", "--batch-file", self.path("requests"))
        answers = result.stdout.splitlines()
        self.assertEqual([answers[0], answers[-1]], ['{"ok":true}'] * 2)
        errors = [json.loads(answer)["error"] for answer in answers[1:-1]]
        for error, says in zip(errors, ['no member "out"', "not valid JSON", "relu", '"speed"', '"k" is null', "grad: ",
                                        self.path("c")]):
            self.assertIn(says, error)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(read(self.path("b")), {"y": ("F32", [2], [0, 2]), "dx": ("F32", [2], [0, 4])})
        self.assertEqual(read(self.path("d"))["y"][0], "F64")
        self.fails("op", "--batch-file", self.path("nowhere"), says="nowhere")
        self.refused("op", "relu", "--batch-file", self.path("requests"), says="--batch-file")

    def test_a_thousand_small_vectors_take_seconds(self):
        write(self.path("a"), {"x": ("F32", [2, 3, 4, 4], [0.5] * 96), "w": ("F32", [4, 3, 3, 3], [0.25] * 108),
                               "dy": ("F32", [2, 4, 2, 2], [1] * 32)})
        line = json.dumps({"op": "conv2d", "in": self.path("a"), "out": self.path("b"), "grad": True})
        begin = time.monotonic()
        result = subprocess.run([CAIRN, "op", "--batch-file", "-"], input=(line + "\n") * 1000, capture_output=True, text=True)
        self.assertEqual(result.stdout, '{"ok":true}\n' * 1000)
        if "CAIRN_FEW" not in os.environ:  # sanitizers are slow
            self.assertLess(time.monotonic() - begin, 30)


if __name__ == "__main__":
    unittest.main(verbosity=2)
