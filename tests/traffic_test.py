"""Every memory-bound kernel moves little more than it must: traffic_test.py CAIRN

Of each benchmark row that memory bounds, CUDA's kernels on the CPU (docs/simt.md) move at most 1.1 times the bytes of the
row's cost, each with at least 90% coalescing and without bank conflicts. tests/traffic.txt holds the rows that can't, what
they reach, and why. An entry that is worse than it says, or no longer needed, fails.
"""
import json
import os
import subprocess
import sys
import unittest
from collections import defaultdict

CAIRN = os.path.abspath(sys.argv[1])
TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "traffic.txt")
MOST, LEAST = 1.1, 0.9
SLACK = 0.015  # of the table's figures, which are rounded
REPORT = [CAIRN, "bench", "--access-report", "--device", "cuda", "--batch", "16", "--json"]


def exceptions():
    """"op row" -> (most times its floor, least coalescing)."""
    found = {}
    with open(TABLE) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                times, percent, row = line.strip().split(None, 2)
                found[row] = (max(MOST, float(times) + SLACK), min(LEAST, float(percent) / 100 - SLACK))
    return found


def measured(lines):
    """"op row" -> (times its floor, least coalescing, bank conflicts); the worst where several calls share the name."""
    calls = defaultdict(list)
    for line in lines:
        calls[line["op"], line["row"], line["call"]].append(line)
    rows = {}
    for (op, row, _), kernels in calls.items():
        if not kernels[0]["row_is_memory_bound"] or not kernels[0]["row_bytes"]:
            continue
        times, coalescing, conflicts = rows.get(f"{op} {row}", (0, 1, 0))
        moved = sum(kernel["moved_bytes"] for kernel in kernels)
        rows[f"{op} {row}"] = (max(times, moved / kernels[0]["row_bytes"]),
                               min(coalescing, *(kernel["coalescing"] for kernel in kernels)),
                               max(conflicts, *(kernel["bank_conflicts"] for kernel in kernels)))
    return rows


class Traffic(unittest.TestCase):
    def test_rows(self):
        result = subprocess.run(REPORT, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows, allowed = measured(map(json.loads, result.stdout.splitlines())), exceptions()
        self.assertGreater(len(rows), 150)
        for row, (times, coalescing, conflicts) in rows.items():
            with self.subTest(row):
                most, least = allowed.get(row, (MOST, LEAST))
                self.assertLessEqual(times, most, "times its floor")
                self.assertGreaterEqual(coalescing, least, "coalescing")
                self.assertEqual(conflicts, 0, "bank conflicts")
        for row in allowed:
            with self.subTest(row):
                self.assertIn(row, rows, "traffic.txt has a row that isn't there")
                self.assertTrue(rows[row][0] > MOST or rows[row][1] < LEAST, "within the limits: take it off traffic.txt")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
