"""The laboratory's quick forms from outside: experiment_test.py PATH/TO/cairn."""
import csv
import json
import math
import os
import re
import shutil
import subprocess
import time
import unittest

from command import CAIRN, CommandTest, run

NAMES = re.findall(r"^(\S+)$", run("experiment", "--list").stdout, re.M)


class Experiments(CommandTest):
    def test_each_is_told(self):
        text = run("experiment", "--list").stdout
        self.assertGreaterEqual(len(NAMES), 7)
        for word in ("claim", "source", "measured", "time"):
            self.assertEqual(len(re.findall(rf"^  {word} +\S", text, re.M)), len(NAMES), word)

    def test_quick_forms(self):
        for name in NAMES:
            with self.subTest(name):
                result = run("experiment", name, "--quick", "--device", "cpu", "--out", self.path(name), timeout=1800)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertTrue(result.stdout.endswith(f"{name}: all of it was seen\n"), result.stdout)
                found = json.loads(self.text(name, "result.json"))
                self.assertTrue(found["holds"] and found["quick"] and found["findings"])
                self.check_files(name, found)

    def check_files(self, name, found):
        report = self.text(name, "report.md")
        for finding in found["findings"]:
            self.assertIn(finding["measured"], report)
        files = os.listdir(self.path(name))
        tables = [file for file in files if file.endswith(".csv")]
        self.assertTrue(tables)
        for file in tables:
            rows = list(csv.reader(self.text(name, file).splitlines()))
            self.assertGreater(len(rows), 1, file)
            for row in rows[1:]:
                self.assertEqual(len(row), len(rows[0]))
                self.assertTrue(all(math.isfinite(float(v)) for v in row), f"{file}: {row}")
        drawn = shutil.which("gnuplot") is not None
        self.assertTrue(drawn or not os.environ.get("CI"), "gnuplot is missing")
        for script in (file for file in files if file.endswith(".gp")):
            for ending, head in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
                plot = script.replace(".gp", ending)
                self.assertEqual(plot in files, drawn, plot)
                if drawn:
                    self.assertTrue(self.data(name, plot).startswith(head))
            if drawn:
                self.assertIn(script.replace(".gp", ".png"), report)

    def test_a_seed_gives_one_result(self):
        for out in "ab":
            run("experiment", "linear-collapse", "--quick", "--seed", "3", "--out", self.path(out))
        self.assertEqual(self.text("a", "linear.csv"), self.text("b", "linear.csv"))

    def test_goes_on_where_it_was_cut_off(self):
        words = ["experiment", "cures", "--steps", "150", "--device", "cpu", "--out"]
        run(*words, self.path("whole"), timeout=1800)
        cut = subprocess.Popen([CAIRN, *words, self.path("cut")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while cut.poll() is None and not os.path.exists(self.path("cut", "batch_norm.training", "rows.csv")):
            time.sleep(0.005)
        cut.kill()
        cut.wait()
        self.assertEqual(json.loads(self.text("cut", "result.json")), {"experiment": "cures", "holds": None})
        with open(self.path("cut", "batch_norm.training", "rows.csv"), "a", encoding="utf-8") as file:
            file.write("400,1,2,3,4\n")  # of a later checkpoint, which was not written
        again = run(*words, self.path("cut"), timeout=1800)
        self.assertNotIn("none: step", again.stderr)
        for name in ("none", "relu", "batch_norm", "residual", "initialisation"):
            self.assertEqual(self.text("cut", f"{name}.csv"), self.text("whole", f"{name}.csv"))
            self.assertEqual(self.text("cut", f"{name}.csv").count("\n"), 3)
        self.fails("experiment", "cures", "--steps", "200", "--device", "cpu", "--out", self.path("cut"),
                   says=["holds another training", "--out"])

    def test_refusals(self):
        self.refused("experiment", says="--list")
        self.refused("experiment", "vanishing", says="vanishing-gradient")
        os.mkdir(self.path("mine"))
        with open(self.path("mine", "thesis.txt"), "w", encoding="utf-8"):
            pass
        self.refused("experiment", "translation", "--out", self.path("mine"), says="something else")
        self.assertEqual(os.listdir(self.path("mine")), ["thesis.txt"])
        run("experiment", "translation", "--quick", "--out", self.path("other"))
        self.refused("experiment", "cures", "--quick", "--out", self.path("other"), says="holds the experiment translation")


if __name__ == "__main__":
    unittest.main()
