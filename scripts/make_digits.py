#!/usr/bin/env python3
"""Makes data/digits/: the first 5,000 training and 1,000 test images of MNIST.

Usage: scripts/make_digits.py MNIST_DIR [OUT_DIR]

MNIST_DIR holds the four unpacked IDX files (`cairn data fetch mnist` puts them into
~/.cache/cairn/mnist). They are checked by SHA-256, cut, and packed by `gzip -9n`, which stores neither
a name nor a time, so that the same bytes come out each time.
"""

import hashlib
import json
import pathlib
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COUNTS = {"train": 5000, "t10k": 1000}


def checksums():
    catalog = json.loads((ROOT / "data" / "catalog.json").read_text())
    mnist = next(entry for entry in catalog["datasets"] if entry["name"] == "mnist")
    return {file["name"]: file["sha256"] for file in mnist["files"]}


def cut(idx, count):
    """The IDX file with its first `count` items only."""
    rank = idx[3]
    dims = struct.unpack(f">{rank}I", idx[4 : 4 + 4 * rank])
    item = 1
    for dim in dims[1:]:
        item *= dim
    start = 4 + 4 * rank
    return idx[:4] + struct.pack(f">{rank}I", count, *dims[1:]) + idx[start : start + count * item]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip())
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else ROOT / "data" / "digits"
    target.mkdir(parents=True, exist_ok=True)
    for name, sha256 in checksums().items():
        idx = (source / name).read_bytes()
        if hashlib.sha256(idx).hexdigest() != sha256:
            sys.exit(f"{source / name} is not MNIST's file: its SHA-256 should be {sha256}")
        small = cut(idx, COUNTS[name.split("-")[0]])
        packed = subprocess.run(["gzip", "-9n"], input=small, stdout=subprocess.PIPE, check=True).stdout
        (target / f"{name}.gz").write_bytes(packed)
        print(f"{name}.gz  {len(packed)} bytes  unpacked {len(small)}  {hashlib.sha256(small).hexdigest()}")


if __name__ == "__main__":
    main()
