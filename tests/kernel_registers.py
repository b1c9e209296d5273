"""What ptxas says of every kernel: no local memory, no spills, and as many registers as the table says.

usage: kernel_registers.py BUILD [--write]

Compiles the CUDA sources of a build (preset cuda) for compute capability 9.0 and compares with
tests/kernel_registers.txt; --write makes that table anew. Another version of nvcc may use other registers: then only
spills, local memory and missing kernels fail.
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
                    r"(\d+) bytes spill loads.*?Used (\d+) registers", re.S)


def sources(build):
    """Source -> nvcc and the build's options for it, for one architecture."""
    database = subprocess.run(["ninja", "-C", build, "-t", "compdb"], check=True, capture_output=True, text=True).stdout
    for entry in json.loads(database):
        if entry["file"].endswith(".cu") and not os.path.relpath(entry["file"], ROOT).startswith("tests"):
            words = shlex.split(entry["command"])
            words = words[next(i for i, word in enumerate(words) if "nvcc" in os.path.basename(word)):words.index("-MD")]
            yield entry["file"], [word for word in words if "--generate-code" not in word] + ["-arch=sm_90"]


def compiled(source, command):
    """(mangled name, bytes of local memory and spills, registers) of each kernel of a source."""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run([*command, "-Xptxas=-v", "-cubin", "-o", os.path.join(folder, "out.cubin"), source],
                                capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{source}: nvcc failed\n{result.stderr}")
    return [(name, int(frame) + int(stores) + int(loads), int(registers))
            for name, frame, stores, loads, registers in KERNEL.findall(result.stdout + result.stderr)]


def demangled(names):
    """"relu_kernel", "unary_kernel<(cairn::Activation)4>": without namespaces and parameters."""
    text = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        line = re.sub(r"^void ", "", line).replace("(anonymous namespace)::", "").replace("cairn::", "")
        yield re.sub(r"\((?![^<]*>).*$", "", line)


def measured(commands):
    """"unary.cu unary_kernel<...>" -> (bytes of local memory and spills, registers)."""
    table = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, kernels in zip(commands, pool.map(compiled, commands, commands.values())):
            names = demangled([name for name, _, _ in kernels])
            for name, (_, local, registers) in zip(names, kernels):
                table[f"{os.path.basename(source)} {name}"] = (local, registers)
    return table


def version_of(nvcc):
    text = subprocess.run([nvcc, "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"V([\d.]+)", text)[1]


def main():
    commands, write = dict(sorted(sources(sys.argv[1]))), "--write" in sys.argv[2:]
    version, table = version_of(next(iter(commands.values()))[0]), measured(commands)
    problems = [f"{name}: {local} bytes of local memory or spills" for name, (local, _) in table.items() if local]
    head = f"registers a thread, sm_90, nvcc {version}"
    if write:
        with open(TABLE, "w") as file:
            file.write(f"# {head}; made by tests/kernel_registers.py build/cuda --write\n")
            file.writelines(f"{registers:3} {name}\n" for name, (_, registers) in sorted(table.items()))
    with open(TABLE) as file:
        first, *lines = file.read().splitlines()
    expected = {name: int(registers) for registers, name in (line.split(None, 1) for line in lines)}
    if head in first:
        problems += [f"{name}: {registers} registers, not {expected.get(name, 'in the table')}"
                     for name, (_, registers) in sorted(table.items()) if expected.get(name) != registers]
    elif not table.keys() <= expected.keys():
        problems += [f"{name}: not in the table" for name in sorted(table.keys() - expected.keys())]
    problems += [f"{name}: in the table, and no such kernel" for name in sorted(expected.keys() - table.keys())]
    print("\n".join(problems) or f"{len(table)} kernels: no local memory, no spills, registers as in the table")
    if problems:
        sys.exit("If the change of registers is meant: tests/kernel_registers.py BUILD --write")


if __name__ == "__main__":
    main()
