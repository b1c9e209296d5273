"""The built command from outside: what the tests NAME_test.py PATH/TO/cairn share."""
import os
import subprocess
import sys
import tempfile
import unittest

CAIRN = os.path.abspath(sys.argv.pop(1))
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # fsync is free there


def run(*words, timeout=300):
    return subprocess.run([CAIRN, *words], capture_output=True, text=True, timeout=timeout)


class CommandTest(unittest.TestCase):
    """Each test has a folder of its own."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.addCleanup(self.folder.cleanup)

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def text(self, *names):
        with open(self.path(*names), encoding="utf-8") as file:
            return file.read()

    def data(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def refused(self, *words, says):
        result = run(*words)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertIn(says, result.stderr)

    def fails(self, *words, says):
        """Exit code 1 and a message that holds each of the texts."""
        result = run(*words)
        self.assertEqual(result.returncode, 1, result.stderr)
        for text in says if isinstance(says, list) else [says]:
            self.assertIn(text, result.stderr)
