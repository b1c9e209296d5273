"""Every kernel of the command runs, under the checks of every op: simt_kernels_test.py PATH/TO/CAIRN."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

CAIRN = os.path.abspath(sys.argv.pop(1))
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kernels")
PART = re.compile(r"\.(cold|part|constprop|isra)|\{lambda")  # what the compiler split off a function


def kernels_in_sources():
    """The names of all `__global__` functions."""
    lines = subprocess.run(["grep", "-rhoE", r"__global__ void( __launch_bounds__\([^)]*\))? \w+",
                            "--include=*.cu", "--include=*.cuh", SOURCES],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[-1] for line in lines}


def compiled_kernels(names):
    """Offset -> name of every function of the program that has one of those names."""
    lines = subprocess.run(["nm", "-C", CAIRN], check=True, capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line in lines:
        address, kind, name = (line.split(None, 2) + [""] * 3)[:3]
        function = re.sub(r"\(anonymous namespace\)::", "", name)
        match = re.search(r"\bcairn::(\w+)(<.*>)?\(", function)
        if kind in "tTwW" and match and match[1] in names and not PART.search(name):
            found[int(address, 16)] = function
    return found


class Kernels(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.launched = os.path.join(self.folder, "launched")

    def run_cairn(self, *arguments):
        environment = {**os.environ, "SIMT_KERNELS": self.launched}
        result = subprocess.run([CAIRN, *arguments], env=environment, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertNotIn("simt:", result.stderr)
        return result.stdout

    def test_all_kernels(self):
        names = kernels_in_sources()
        for name in names:
            self.assertTrue(name.endswith("_kernel"), f"{name}: a kernel's name ends in _kernel")
        self.assertIn("all passed", self.run_cairn("check", "--device", "cuda"))
        train = ["train", "lenet5", "--data", "digits", "--batch", "4", "--steps", "2", "--device", "cuda",
                 "--quiet", "--out"]
        self.run_cairn(*train, os.path.join(self.folder, "im2col"))
        self.run_cairn(*train, os.path.join(self.folder, "cudnn"), "--conv", "cudnn")
        self.run_cairn("check", "conv2d", "conv2d_dx", "conv2d_dw", "--device", "cuda", "--conv", "implicit")
        self.run_cairn("check", "batch_norm", "batch_norm_inference", "batch_norm_grad", "batch_norm_relu_grad",
                       "--device", "cuda", "--batch-norm", "cudnn")
        with open(self.launched) as file:
            launched = {int(line.split()[0], 16) for line in file}
        compiled = compiled_kernels(names)
        self.assertGreater(len(compiled), 60)
        never = {name for address, name in compiled.items() if address not in launched}
        self.assertEqual(never, set(), "never launched")
        self.assertEqual(launched - set(compiled), set(), "launched, and not known as kernels")

    def test_access_report(self):
        command = [CAIRN, "bench", "relu", "conv2d", "--access-report", "--device", "cuda", "--conv", "cudnn"]
        result = subprocess.run([*command, "--json"], capture_output=True, text=True)
        if "preset `simt-check`" in result.stderr:
            self.skipTest("this build doesn't see accesses")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual({line["op"] for line in lines},
                         {"relu", "relu_grad", "conv2d", "conv2d_dx", "conv2d_dw", "bias_grad"})
        for line in lines:
            self.assertRegex(line["kernel"], r"^cairn::\w+_kernel")
            self.assertGreater(line["accesses"], 0)
            self.assertEqual(line["coalescing"], line["ideal_sectors"] / line["sectors"])
            self.assertEqual(line["bank_conflicts"], 0)
            for waste in line["lines"]:
                self.assertRegex(waste["line"], r"^(kernels|core)/.+:\d+$")
        relu = lines[0]
        self.assertEqual([relu["row"], relu["coalescing"], relu["sectors"]], ["lenet_c1", 1, 4 * relu["accesses"]])
        self.assertTrue(any(line["lines"] for line in lines))
        table = subprocess.run(command, capture_output=True, text=True).stdout
        self.assertRegex(table, r"(?m)^relu +lenet_c1 +cairn::unary_kernel<.*> +\d+ +\d+ +\d+ +100.0 +0 +0$")


if __name__ == "__main__":
    unittest.main()
