"""The command and op_bench with ops from outside: command_test.py PATH/TO/COMMAND PATH/TO/OP_BENCH."""
import json
import os
import subprocess
import sys
import unittest

OP_BENCH = os.path.abspath(sys.argv.pop(2))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from command import CommandTest, run  # noqa: E402


class NewOpCommand(CommandTest):
    def test_check(self):
        result = run("check", "cube", "cube_grad")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stdout, r"(?m)^cube +2 .* ok$")
        self.assertIn("all passed", result.stdout)

    def test_check_finds_a_wrong_gradient(self):
        result = run("check", "wrong_cube", "cube")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"(?m)^wrong_cube +1 .* FAILED$")
        self.assertRegex(result.stdout, r"(?m)^cube +2 .* ok$")
        self.assertRegex(result.stdout, r"wrong_cube\.row, gradient: dL/dx\[\d, \d\]: the rule gives")
        self.assertIn("1 FAILED", result.stdout)
        report = json.loads(run("check", "wrong_cube", "--json").stdout)
        self.assertFalse(report["passed"])
        failure, = report["ops"][0]["failures"]
        self.assertEqual(failure["property"], "gradient")
        self.assertGreater(failure["error"], failure["tolerance"])
        self.assertNotEqual(failure["got"], failure["wanted"])

    def test_bench(self):
        words = ["cube", "--seconds", "0.01", "--json"]
        alone = subprocess.run([OP_BENCH, *words], capture_output=True, text=True, timeout=300)
        self.assertEqual(alone.returncode, 0, alone.stderr)
        for text in [run("bench", *words).stdout, alone.stdout]:
            forward, gradient = [json.loads(line) for line in text.splitlines()]
            self.assertEqual([forward["op"], forward["row"]], ["cube", "planes"])
            self.assertEqual([gradient["op"], gradient["row"]], ["cube_grad", "cube.planes"])
            self.assertEqual(forward["bytes"], 2 * 4 * 33 * 3 * 5 * 7)
            self.assertGreater(forward["seconds"], 0)
        wrong = subprocess.run([OP_BENCH, "cubic"], capture_output=True, text=True, timeout=300)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("cube", wrong.stderr)
        wrong = subprocess.run([OP_BENCH, "cube", "--conv", "winograd"], capture_output=True, text=True, timeout=300)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("choose im2col, implicit", wrong.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
