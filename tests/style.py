"""Checks what a compiler does not: sizes of files, complete op folders, nothing left to do in comments.

usage: style.py ROOT
"""

import os
import re
import sys

ENDINGS = (".h", ".cpp", ".cu", ".cuh", ".py")
SKIPPED = {"build", "runs", "shared", ".git", "__pycache__"}
MAX_LINES = 400
TO_DO = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b")


def sources(root):
    for folder, names, files in os.walk(root):
        names[:] = [n for n in names if n not in SKIPPED]
        yield from (os.path.join(folder, f) for f in files if f.endswith(ENDINGS))


def check_file(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) > MAX_LINES:
        yield f"{path}: {len(lines)} lines, at most {MAX_LINES} are allowed"
    for number, line in enumerate(lines, 1):
        if TO_DO.search(line):
            yield f"{path}:{number}: something is left to do: {line.strip()}"


def check_loops(path):
    """Kernels walk by core/cuda/grid_stride.h, which is tested at sizes beyond 2^32."""
    with open(path, encoding="utf-8") as file:
        if "gridDim" in file.read():
            yield f"{path}: gridDim is used; loop over grid_stride(n) or another of core/cuda/grid_stride.h"


def check_op_folders(root):
    for name in sorted(os.listdir(root)):
        for ending in (".h", "_op.cpp", "_ref.cpp", ".cu"):
            path = os.path.join(root, name, name + ending)
            if not os.path.isfile(path):
                yield f"{path} is missing"


def main():
    root = sys.argv[1]
    problems = [p for path in sorted(sources(root)) for p in check_file(path)]
    kernels = os.path.join(root, "kernels")
    problems += [p for path in sorted(sources(kernels)) for p in check_loops(path)]
    problems += check_op_folders(kernels)
    print("\n".join(problems) or "style: no problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
