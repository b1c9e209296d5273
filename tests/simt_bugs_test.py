"""Runs a seeded bug and its twin: the bug must be caught and its place named, the twin must pass silently.

usage: simt_bugs_test.py PROGRAM FILE.cu checker|asan|plain
"""

import os
import re
import subprocess
import sys

ORDERS = ("forward", "reverse", "random:1")


def expectations(path, build):
    """What the bug's output must hold in this build; empty where it needn't be caught."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    found = {}
    for line in lines:
        if match := re.fullmatch(r"// (caught|caught by \w+|kernel): (.+)", line):
            found[match[1]] = match[2]
    caught = found.get("caught by " + build, found.get("caught"))
    if caught is None:
        return []
    if caught == "wrong values":  # the program itself says so, and knows no place in a kernel
        return [caught]
    place = "/".join(path.split("/")[-3:])
    marked = [f"{place}:{n}" for n, line in enumerate(lines, 1) if line.endswith("// BUG")]
    kernel = [found["kernel"]] if "kernel" in found else []
    return [caught] + kernel + marked


def run(program, name, which, order):
    environment = dict(os.environ, SIMT_ORDER=order, UBSAN_OPTIONS="print_stacktrace=1")
    result = subprocess.run([program, name, which], env=environment, capture_output=True, text=True, timeout=60)
    return result.returncode, result.stderr


def problems(program, path, build):
    name = os.path.splitext(os.path.basename(path))[0]
    expected = expectations(path, build)
    for order in ORDERS:
        status, errors = run(program, name, "twin", order)
        if status != 0 or errors:
            yield f"{order}: the twin ends with {status} and says:\n{errors}"
        if not expected:
            continue
        status, errors = run(program, name, "bug", order)
        if status == 0:
            yield f"{order}: the bug isn't caught; the program says:\n{errors}"
        for text in expected:
            if text not in errors:
                yield f"{order}: {text!r} is missing in:\n{errors}"


def main():
    program, path, build = sys.argv[1:]
    found = list(problems(program, path, build))
    print("\n".join(found) or "caught")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
