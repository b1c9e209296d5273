"""What ptxas says of every kernel: no local memory, no spills, and the registers and shared memory of the table.

usage: kernel_registers.py BUILD [--write]

Compiles the CUDA sources of a build (preset cuda) for compute capability 9.0 and compares with
tests/kernel_registers.txt; --write makes that table anew. Another version of nvcc may use other registers: then only
spills, local memory and missing kernels fail. tests/simt_kernels_test.py computes from it how full a card gets.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "tests", "kernel_registers.txt")
KERNEL = re.compile(r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, "
                    r"(\d+) bytes spill loads.*?Used (\d+) registers([^\n]*)", re.S)
SHARED = re.compile(r"(\d+) bytes smem")


def sources(build):
    """Source -> nvcc and the build's options for it, for one architecture."""
    database = subprocess.run(["ninja", "-C", build, "-t", "compdb"], check=True, capture_output=True, text=True).stdout
    for entry in json.loads(database):
        if entry["file"].endswith(".cu") and not os.path.relpath(entry["file"], ROOT).startswith("tests"):
            words = shlex.split(entry["command"])
            words = words[next(i for i, word in enumerate(words) if "nvcc" in os.path.basename(word)):words.index("-MD")]
            yield entry["file"], [word for word in words if "--generate-code" not in word] + ["-arch=sm_90"]


def compiled(source, command):
    """(mangled name, bytes of local memory and spills, registers, bytes of shared memory) of each kernel of a source."""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run([*command, "-Xptxas=-v", "-cubin", "-o", os.path.join(folder, "out.cubin"), source],
                                capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{source}: nvcc failed\n{result.stderr}")
    return [(name, int(frame) + int(stores) + int(loads), int(registers), sum(map(int, SHARED.findall(rest))))
            for name, frame, stores, loads, registers, rest in KERNEL.findall(result.stdout + result.stderr)]


def demangled(names):
    """"relu_kernel", "unary_kernel<(cairn::Activation)4>": without namespaces and parameters."""
    text = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout
    return [short_name(line) for line in text.splitlines()]


def short_name(function):
    name = re.sub(r"^void ", "", function).replace("(anonymous namespace)::", "").replace("cairn::", "")
    return re.sub(r"\((?![^<]*>).*$", "", name)


def table_lines():
    """The table's first line, and "unary.cu unary_kernel<...>" -> (registers, bytes of shared memory)."""
    with open(TABLE) as file:
        first, *lines = file.read().splitlines()
    rows = (line.split(None, 2) for line in lines)
    return first, {name: (int(registers), int(shared)) for registers, shared, name in rows}


def measured(commands):
    """"unary.cu unary_kernel<...>" -> (bytes of local memory and spills, (registers, bytes of shared memory))."""
    table = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, kernels in zip(commands, pool.map(compiled, commands, commands.values())):
            names = demangled([name for name, *_ in kernels])
            for name, (_, local, *used) in zip(names, kernels):
                table[f"{os.path.basename(source)} {name}"] = (local, tuple(used))
    return table


def version_of(nvcc):
    text = subprocess.run([nvcc, "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"V([\d.]+)", text)[1]


def main():
    commands, write = dict(sorted(sources(sys.argv[1]))), "--write" in sys.argv[2:]
    version, table = version_of(next(iter(commands.values()))[0]), measured(commands)
    problems = [f"{name}: {local} bytes of local memory or spills" for name, (local, _) in table.items() if local]
    head = f"registers a thread and bytes of static shared memory, sm_90, nvcc {version}"
    if write:
        with open(TABLE, "w") as file:
            file.write(f"# {head}; made by tests/kernel_registers.py build/cuda --write\n")
            file.writelines(f"{used[0]:3} {used[1]:5} {name}\n" for name, (_, used) in sorted(table.items()))
    first, expected = table_lines()
    if head in first:
        problems += [f"{name}: {used} registers and bytes of shared memory, not {expected.get(name, 'in the table')}"
                     for name, (_, used) in sorted(table.items()) if expected.get(name) != used]
    elif not table.keys() <= expected.keys():
        problems += [f"{name}: not in the table" for name in sorted(table.keys() - expected.keys())]
    problems += [f"{name}: in the table, and no such kernel" for name in sorted(expected.keys() - table.keys())]
    print("\n".join(problems) or f"{len(table)} kernels: no local memory, no spills, registers and shared memory as in the table")
    if problems:
        sys.exit("If the change is meant: tests/kernel_registers.py BUILD --write")


if __name__ == "__main__":
    main()
