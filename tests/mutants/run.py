"""Tries the mutants of the CUDA kernels against the op suite, and says which are killed.

usage: run.py cairn_mutants sources/mutants.json [--ids N,N | --sample N --seed S] [--logs FOLDER] [--jobs N]

A folder's mutants are tried by the tests of its ops (some headers' by others': USED_BY), until none is alive. The logs
are kept: a run that was cut off goes on where it was. Ends with 1 where more than 5 % of the mutants that aren't
equivalent (equivalent.txt) survive, or one about bounds or barriers does.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import random
import re
import resource
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCORE = 0.95
NEVER = ("bounds", "barrier")  # no survivor may be about these
USED_BY = {"core/cuda/block_sum.cuh": "bias", "core/cuda/grid_stride.h": "conv2d reduce",
           "kernels/reduce/broadcast.cuh": "binary"}  # folders that show more of it than its own does


def keys_of(table):
    """(file, function, before, after, n) of each mutant: the n-th of its kind there, from 1."""
    seen = collections.Counter()
    for mutant in table:
        kind = tuple(mutant[name] for name in ("file", "function", "before", "after"))
        seen[kind] += 1
        yield *kind, seen[kind]


def written(key):
    file, function, before, after, n = key
    return f"{file}: {function}: {before} -> {after}" + (f" @{n}" if n > 1 else "")


def equivalents():
    """Key -> why, of equivalent.txt: `file: function: before -> after @n # why`, without @n for the first."""
    found = {}
    with open(os.path.join(HERE, "equivalent.txt"), encoding="utf-8") as file:
        for line in file:
            match = re.fullmatch(r"(\S+): (\S+): (.+) -> (.+?)(?: @(\d+))? # (.+)\n", line)
            if match:
                found[*match.group(1, 2, 3, 4), int(match[5] or 1)] = match[6]
            elif line.strip() and not line.startswith("#"):
                sys.exit(f"equivalent.txt: what is this? {line}")
    return found


def killed_in(path):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    broken = [line["broken"] for line in lines if "broken" in line]
    if broken:
        sys.exit(f"fails without mutants: {', '.join(broken)}")
    return {line["mutant"] for line in lines if "mutant" in line}


def start_log(path, digest):
    """An older log is of use where it's about the same program and mutants."""
    head = json.dumps({"of": digest})
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.readline().rstrip("\n") == head:
                return
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + "\n")


def log_of(options, folders):
    return os.path.join(options.logs, folders.replace(" ", "_") + ".jsonl")


def run_tests(options, folders):
    """The tests of the folders' ops; returns the exit status."""
    log = log_of(options, folders)
    command = [options.program, log + ".chosen", log, *folders.split(), "--gtest_brief=1"]
    return subprocess.run(command, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}).returncode


def processor_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(table, chosen, killed, equal):
    """`equal`: the numbers of the equivalent ones."""
    kernels = collections.defaultdict(collections.Counter)
    for i in chosen:
        row = kernels[f"{table[i]['file']} {table[i]['function']}"]
        row["mutants"] += 1
        row["equivalent" if i in equal else "killed" if i in killed else "survived"] += 1
    columns = ("mutants", "killed", "equivalent", "survived")
    print(f"{'kernel or function':64}" + "".join(f"{name:>12}" for name in columns))
    for name, row in sorted(kernels.items()):
        print(f"{name:64}" + "".join(f"{row[column]:12}" for column in columns))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("table")
    parser.add_argument("--ids", type=lambda text: [int(i) for i in text.split(",")])
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", default="mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with open(options.table, encoding="utf-8") as file:
        text = file.read()
    table, begin = json.loads(text), time.time()
    keys, reasons = list(keys_of(table)), equivalents()
    for key in set(reasons) - set(keys):
        sys.exit(f"equivalent.txt: there is no mutant {written(key)}")
    equal = {i for i, key in enumerate(keys) if key in reasons}
    chosen = options.ids or list(range(len(table)))
    if options.sample:
        alive = [i for i in chosen if i not in equal]
        chosen = sorted(random.Random(options.seed).sample(alive, options.sample))
    tried = [i for i in chosen if i not in equal]
    with open(options.program, "rb") as file:
        program = file.read()
    folders = collections.defaultdict(list)
    for i in tried:
        file = table[i]["file"]
        folders[USED_BY.get(file, file.split("/")[1])].append(i)
    os.makedirs(options.logs, exist_ok=True)
    for name, mutants in folders.items():
        start_log(log_of(options, name), hashlib.sha256(program + str(mutants).encode()).hexdigest())
        with open(log_of(options, name) + ".chosen", "w", encoding="utf-8") as file:
            file.write("\n".join(map(str, mutants)))
    largest_first = sorted(folders, key=lambda name: -len(folders[name]))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        failed = any(list(pool.map(lambda name: run_tests(options, name), largest_first)))
    killed = set().union(*(killed_in(log_of(options, name)) for name in folders))
    show(table, chosen, killed, equal)
    survivors = [i for i in tried if i not in killed]
    for i in survivors:
        m = table[i]
        print(f"survived: {m['file']}:{m['line']}:{m['column']} [{m['category']}] {written(keys[i])}")
    score = 1 - len(survivors) / max(1, len(tried))
    print(f"mutants: {len(chosen)}, equivalent {len(chosen) - len(tried)}, killed {len(tried) - len(survivors)} of "
          f"{len(tried)}: {100 * score:.1f} %, {time.time() - begin:.0f} s, of processor time {processor_s():.0f} s")
    bad = score < SCORE or any(table[i]["category"] in NEVER for i in survivors)
    return 1 if failed or bad else 0


if __name__ == "__main__":
    sys.exit(main())
