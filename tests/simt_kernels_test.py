"""Every kernel of the command runs, under the checks of every op, and docs/occupancy.md tells how full it fills a card:

simt_kernels_test.py CAIRN OP_TESTS OCCUPANCY LAUNCHED... [--write]

LAUNCHED are what SIMT_KERNELS had OP_TESTS write, which ran every op's checks (ctest: simt_ops). OCCUPANCY is the
program of tests/occupancy.cpp. --write makes docs/occupancy.md anew.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from collections import defaultdict

from kernel_registers import TABLE, short_name, table_lines

WRITE = "--write" in sys.argv
CAIRN, OP_TESTS, OCCUPANCY, *LAUNCHED = (os.path.abspath(word) for word in sys.argv[1:] if word != "--write")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PAGE = os.path.join(ROOT, "docs", "occupancy.md")
HEAD = """# Occupancy

How many warps of each kernel a multiprocessor of compute capability 9.0 holds at a time, of the 64 that it has room
for, and what limits them: CUDA's own formula (`cuda_occupancy.h`) on the registers and the static shared memory that
ptxas gave ({table}: {head}) and the largest block that the op tests launched on the CPU.
A kernel that streams memory needs many loads in flight, which warps or wide loads of one thread provide; the implicit
convolutions keep their sums in registers and live with few warps.

Made by `python3 tests/simt_kernels_test.py ... --write` (see its head); CI compares.

| kernel | registers | threads | shared memory, bytes | blocks | warps of 64 | limited by |
|---|---|---|---|---|---|---|
"""
SOURCES = os.path.join(ROOT, "kernels")
PART = re.compile(r"\.(cold|part|constprop|isra)|\{lambda")  # what the compiler split off a function


def kernels_in_sources():
    """The names of all `__global__` functions."""
    lines = subprocess.run(["grep", "-rhoE", r"__global__ void( __launch_bounds__\([^)]*\))? \w+",
                            "--include=*.cu", "--include=*.cuh", SOURCES],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[-1] for line in lines}


def compiled_kernels(program, names):
    """Offset -> name of every function of the program that has one of those names."""
    lines = subprocess.run(["nm", "-C", program], check=True, capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line in lines:
        address, kind, name = (line.split(None, 2) + [""] * 3)[:3]
        function = re.sub(r"\(anonymous namespace\)::", "", name)
        match = re.search(r"\bcairn::(\w+)(<.*>)?\(", function)
        if kind in "tTwW" and match and match[1] in names and not PART.search(name):
            found[int(address, 16)] = short_name(function)
    return found


def launched_blocks(program, files, names):
    """Kernel -> (threads, bytes of dynamic shared memory) of each block that it was launched with."""
    compiled, blocks = compiled_kernels(program, names), defaultdict(set)
    for path in files:
        with open(path) as file:
            for offset, _, threads, shared in map(str.split, file):
                blocks[compiled[int(offset, 16)]].add((int(threads), int(shared)))
    return blocks


def occupancy_page(blocks):
    head, table = table_lines()
    used = {name.split(None, 1)[1]: numbers for name, numbers in table.items()}
    rows = sorted((kernel, *used[kernel], *max(sizes)) for kernel, sizes in blocks.items() if kernel in used)
    asked = "".join(f"{registers} {static} {dynamic} {threads}\n" for _, registers, static, threads, dynamic in rows)
    answers = subprocess.run([OCCUPANCY], input=asked, check=True, capture_output=True, text=True).stdout.splitlines()
    page = HEAD.format(table=os.path.relpath(TABLE, ROOT), head=head.strip("# ").split(";")[0])
    for (kernel, registers, static, threads, dynamic), answer in zip(rows, answers, strict=True):
        count, warps, limit = answer.split(None, 2)
        page += f"| `{kernel}` | {registers} | {threads} | {static + dynamic} | {count} | {warps} | {limit} |\n"
    return page


class Kernels(unittest.TestCase):
    def setUp(self):
        self.names = kernels_in_sources()
        self.blocks = launched_blocks(OP_TESTS, LAUNCHED, self.names)

    def run_cairn(self, *arguments):
        """Runs the command; returns the kernels that it launched."""
        with tempfile.TemporaryDirectory() as folder:
            launched = os.path.join(folder, "launched")
            result = subprocess.run([CAIRN, *arguments, "--out", os.path.join(folder, "run")], capture_output=True,
                                    env={**os.environ, "SIMT_KERNELS": launched}, text=True)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertNotIn("simt:", result.stderr)
            return set(launched_blocks(CAIRN, [launched], self.names))

    def test_all_kernels(self):
        for name in self.names:
            self.assertTrue(name.endswith("_kernel"), f"{name}: a kernel's name ends in _kernel")
        train = ["train", "lenet5", "--data", "digits", "--batch", "4", "--steps", "2", "--device", "cuda", "--quiet"]
        launched = set(self.blocks) | self.run_cairn(*train) | self.run_cairn(*train, "--conv", "cudnn")
        compiled = set(compiled_kernels(CAIRN, self.names).values())
        self.assertGreater(len(compiled), 60)
        self.assertEqual(compiled - launched, set(), "never launched")

    def test_occupancy(self):
        page = occupancy_page(self.blocks)
        if WRITE:
            with open(PAGE, "w") as file:
                file.write(page)
        with open(PAGE) as file:
            self.assertEqual(file.read(), page, "docs/occupancy.md is old: run this again with --write")

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
        self.assertEqual([relu["row"], relu["coalescing"], relu["lane_bytes"]], ["lenet_c1", 1, 16 * relu["lane_accesses"]])
        self.assertEqual([relu["moved_bytes"], relu["asked_bytes"]], [relu["row_bytes"]] * 2)
        self.assertTrue(any(line["lines"] for line in lines))
        table = subprocess.run(command, capture_output=True, text=True).stdout
        self.assertRegex(table, r"(?m)^relu +lenet_c1 +cairn::unary_kernel<.*> +\d+ +\d+ +\d+ +\d+ +100.0 +[\d.]+ +0 +0$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
