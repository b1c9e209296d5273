"""The installed package from outside: package_test.py CMAKE BUILD SOURCE.

Installs the build, moves it elsewhere, and builds against it what users would: the example of the README,
word for word, and a project with an op of its own.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, SOURCE = sys.argv[1:4]


def run(*words, **options):
    result = subprocess.run(words, capture_output=True, text=True, timeout=600, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(words)}\n{result.stdout}\n{result.stderr}")
    return result.stdout


def block(language):
    """The first block of the README in that language that is a whole program or project."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        text = file.read()
    for code in re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if "main" in code:
            return code
    raise AssertionError(f"README.md has no {language} block")


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        first, cls.prefix = cls.path("first"), cls.path("prefix")
        run(CMAKE, "--install", BUILD, "--prefix", first)
        shutil.move(first, cls.prefix)

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    def build(self, source, *options):
        """Builds a project against the package; returns its build folder."""
        build = self.path(os.path.basename(source) + "-build")
        run(CMAKE, "-G", "Ninja", "-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_PREFIX_PATH={self.prefix}", *options)
        run(CMAKE, "--build", build)
        return build

    def test_command(self):
        self.assertRegex(run(os.path.join(self.prefix, "bin", "cairn"), "--version"),
                         r"^cairn \d+\.\d+")

    def test_example(self):
        source = self.path("example")
        os.mkdir(source)
        for name, language in [("main.cpp", "cpp"), ("CMakeLists.txt", "cmake")]:
            with open(os.path.join(source, name), "w", encoding="utf-8") as file:
                file.write(block(language))
        build = self.build(source)
        answer = run(os.path.join(build, "circle"))
        self.assertRegex(answer, r"^accuracy [\d.]+%\n$")
        self.assertGreater(float(answer.split()[1][:-1]), 95)

    def test_own_op(self):
        build = self.build(os.path.join(SOURCE, "tests", "package"),
                           "-DOPS=" + os.path.join(SOURCE, "tests", "new_op", "kernels"))
        suite = run(os.path.join(build, "own_op_suite"), "--gtest_filter=OpSuite.*/cube*")
        self.assertRegex(suite, r"\[  PASSED  \] [1-9]\d* tests")
        self.assertIn("cube", run(os.path.join(build, "own_app"), "ops", "cube"))
        bench = run(os.path.join(build, "own_op_bench"), "cube", "--seconds", "0.01")
        self.assertIn("cube_grad", bench)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
