"""The command with ops from outside: command_test.py PATH/TO/COMMAND."""
import json
import os
import sys
import unittest

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
