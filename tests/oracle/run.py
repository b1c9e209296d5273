"""Holds Cairn's ops against PyTorch: makes vectors, runs them through `cairn op --batch-file`, prints a table.

usage: run.py PATH/TO/cairn [--cases N] [--seed S] [--device NAME...]   (N = 0, the default: all)

PyTorch computes every case in float64 and in float32 from inputs that are exact in float32. In float64 Cairn's
reference must be within 1e-12 of the largest value; in float32 a device must be off by at most twice what
PyTorch is, or by 4e-6 of the largest value; softmax and cross-entropy by no more than PyTorch, or 16 roundings of the
largest value or term. Where a sum cancels to less than a thirtieth of its terms another vector is taken: the largest value is
no measure there. Exit code 77, a skipped test, where python3-torch is missing, unless CI=true.
"""
import argparse
import collections
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
try:
    import torch
except ImportError:
    print("oracle: left out: python3-torch is missing (Debian's package)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import norm_vectors  # noqa: E402
import optimizer_vectors  # noqa: E402
from safetensors_files import read_safetensors, write_safetensors  # noqa: E402
from samples import sample_cases  # noqa: E402
from vectors import FORWARD, NASTY  # noqa: E402

FORWARD = FORWARD | norm_vectors.FORWARD | optimizer_vectors.FORWARD
NASTY = NASTY | norm_vectors.NASTY | optimizer_vectors.NASTY
NASTY_CASES, SAMPLES = 50, 60  # of an op, in all
CANCELLING = 30
NO_WORSE = {"softmax", "log_softmax", "softmax_cross_entropy"}
# Sums of products: of absolute values they are as large as their terms.
SUMS = {"add", "sub", "mul", "div", "sum", "mean", "expand", "matmul", "linear", "conv2d", "bias", "avg_pool2d",
        "adaptive_avg_pool2d", "global_avg_pool2d", "embedding", "gather"}
Case = collections.namedtuple("Case", "op tensors attrs source")


def all_cases(seed):
    cases = collections.defaultdict(list)
    for op, tensors, attrs in sample_cases(seed):
        cases[op].append(Case(op, tensors, attrs, "op_db"))
    chosen = []
    for op in sorted(FORWARD):
        r = random.Random(f"{seed} {op}")
        samples = cases[op] if len(cases[op]) <= SAMPLES else r.sample(cases[op], SAMPLES)
        samples = [case for case in samples if not cancels(case)]
        made = itertools.islice((c for c in iter(lambda: Case(op, *NASTY[op](r), "nasty"), None) if not cancels(c)),
                                NASTY_CASES)
        mixed = [c for pair in itertools.zip_longest(made, samples) for c in pair if c]
        chosen.append(mixed)
    # In turns, so that the first N cases hold every op.
    return [c for row in itertools.zip_longest(*chosen) for c in row if c]


def cancels(case):
    """Whether an output is so much smaller than the terms of its sums that its largest value measures no error."""
    if case.op not in SUMS:
        return False
    attrs = {k: v for k, v in case.attrs.items() if k != "activation"}
    outputs, seeds = computed(case._replace(attrs=attrs), torch.float64)
    positive = {k: v.abs() for k, v in case.tensors.items()}
    terms, _ = computed(Case(case.op, positive, attrs, ""), torch.float64, seeds)
    return any(largest(terms[k]) > CANCELLING * largest(y) for k, y in outputs.items() if y.is_floating_point())


def computed(case, dtype, seeds=None):
    """PyTorch's outputs and, where one of them has a gradient, gradients of their sum weighted by `seeds`."""
    plain = op_is_optimizer(case.op)
    tensors = {k: v.to(dtype) if v.is_floating_point() else v for k, v in case.tensors.items()}
    leaves = {k: v.clone().requires_grad_() for k, v in tensors.items() if v.is_floating_point() and not plain}
    outputs = FORWARD[case.op](tensors | leaves, case.attrs)
    smooth = {k: v for k, v in outputs.items() if v.requires_grad and k != "probabilities"}
    if seeds is None:
        generator = torch.Generator().manual_seed(len(case.tensors))
        seeds = {k: (torch.rand(v.shape, generator=generator) + 0.5).double() for k, v in smooth.items()}
    if smooth:
        given = [seeds[k].to(dtype) for k in smooth]
        found = torch.autograd.grad(list(smooth.values()), list(leaves.values()), given, allow_unused=True)
        outputs |= {f"d{k}": torch.zeros_like(leaf) if g is None else g for (k, leaf), g in zip(leaves.items(), found)}
    outputs = {k: v.detach() for k, v in outputs.items()}
    return {k: v.double() if v.is_floating_point() else v for k, v in outputs.items()}, seeds


def op_is_optimizer(op):
    return op in optimizer_vectors.FORWARD


def largest(x):
    return float(x.abs().max()) if x.numel() else 0.0


def error_of(got, wanted, narrow):
    """The largest distance; infinite where PyTorch's result in that type isn't finite and this isn't the same."""
    if got.shape != wanted.shape:
        return float("inf")
    if not wanted.is_floating_point():
        return largest(got - wanted)
    finite = wanted.isfinite() & narrow.isfinite()
    same = (got == narrow) | (got.isnan() & narrow.isnan())
    if not bool((finite | same).all()) or not bool(got[finite].isfinite().all()):
        return float("inf")
    return largest(got[finite] - wanted[finite])


def largest_term(case, outputs, seeds, name):
    """Of an output; for softmax's gradients of what cancels in them: y (dy - sum y dy), dy - p sum dy, p - t."""
    if name == "dx" and case.op == "softmax":
        return largest(outputs["y"] * seeds["y"])
    if name == "dx" and case.op == "log_softmax":
        return largest(outputs["y"].exp() * seeds["y"].sum(case.attrs.get("dim", -1), keepdim=True))
    if name == "dlogits" and case.op == "softmax_cross_entropy":
        count = 1 if case.attrs.get("reduction") == "sum" else case.tensors["labels"].numel()
        return largest(outputs["probabilities"] * seeds["loss"]) / count
    return largest(outputs[name])


def tolerance(case, device, wanted, narrow, term):
    """What the error of an output may be, and PyTorch's, and the largest value."""
    if not wanted.is_floating_point():
        return 0.0, 0.0, 1.0
    scale = largest(wanted[wanted.isfinite()])
    if device == "reference":
        return 1e-12 * max(scale, term), 0.0, scale
    theirs = error_of(narrow, wanted, narrow)
    if case.op in NO_WORSE:
        return max(theirs, 16 * 2.0**-24 * max(scale, term)), theirs, scale
    return max(2 * theirs, 4e-6 * scale), theirs, scale


class Row:
    """What was found of an op on a device."""

    def __init__(self):
        self.cases, self.worst, self.theirs, self.used, self.failed = 0, 0.0, 0.0, 0.0, []


def judge(case, device, number, got, result, narrow, row):
    wanted, seeds = result
    row.cases += 1
    for name, y in wanted.items():
        if name not in got:
            row.failed.append(f"case {number}: no output {name}")
            continue
        mine = torch.from_numpy(got[name].copy())
        mine = mine.double() if y.is_floating_point() else mine
        allowed, theirs, scale = tolerance(case, device, y, narrow[name], largest_term(case, wanted, seeds, name))
        error = error_of(mine, y, y if device == "reference" else narrow[name])
        row.worst = max(row.worst, error / (scale or 1.0))
        row.theirs = max(row.theirs, theirs / (scale or 1.0))
        if error > allowed:
            shapes = {k: tuple(v.shape) for k, v in case.tensors.items()}
            row.failed.append(f"case {number} ({case.source}) {shapes} {case.attrs}: {name} is off by {error:.3g}, "
                              f"allowed {allowed:.3g} (PyTorch {theirs:.3g}, max|y| {scale:.3g})")


def requests(cases, results, folder, devices):
    for i, (case, (wanted, seeds)) in enumerate(zip(cases, results)):
        source = f"{folder}/{i}.in"
        attrs = {k: v for k, v in case.attrs.items() if not k.startswith("state.")}
        state = {k[6:]: v for k, v in case.attrs.items() if k.startswith("state.")}
        tensors = case.tensors | {f"d{k}": v for k, v in seeds.items()}
        write_safetensors(source, {k: v.contiguous().numpy() for k, v in tensors.items()})
        for device in devices:
            yield {"op": case.op, "in": source, "out": f"{folder}/{i}.{device}", "attrs": attrs, "state": state,
                   "grad": bool(seeds), "device": device, "dtype": "float64" if device == "reference" else "float32"}


def run_cases(cairn, cases, devices, folder):
    wide = [computed(case, torch.float64) for case in cases]
    narrow = [computed(case, torch.float32, seeds)[0] for case, (_, seeds) in zip(cases, wide)]
    lines = list(requests(cases, wide, folder, devices))
    with open(f"{folder}/requests", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    process = subprocess.run([cairn, "op", "--batch-file", f"{folder}/requests"], capture_output=True, text=True)
    answers = [json.loads(line) for line in process.stdout.splitlines()]
    if len(answers) != len(lines):
        sys.exit(f"{len(answers)} answers to {len(lines)} requests\n{process.stderr}")
    rows = collections.defaultdict(Row)
    for (i, device), request, answer in zip(itertools.product(range(len(cases)), devices), lines, answers):
        row = rows[cases[i].op, device]
        if answer["ok"]:
            judge(cases[i], device, i, read_safetensors(request["out"]), wide[i], narrow[i], row)
        else:
            shapes = {k: tuple(v.shape) for k, v in cases[i].tensors.items()}
            row.failed.append(f"case {i} ({cases[i].source}) {shapes} {cases[i].attrs}: {answer['error']}")
    return rows


def report(rows):
    print(f"{'op':24}{'device':11}{'cases':>6}{'worst error':>13}{'PyTorch':>10}   (of max|y|)")
    for (op, device), row in sorted(rows.items()):
        theirs = f"{row.theirs:10.1e}" if device != "reference" else f"{'float64':>10}"
        print(f"{op:24}{device:11}{row.cases:6}{row.worst:13.1e}{theirs}{'   FAILED' if row.failed else ''}")
    for (op, device), row in sorted(rows.items()):
        for line in row.failed[:5]:
            print(f"{op} on {device}: {line}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cairn")
    parser.add_argument("--cases", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--op", nargs="*")
    parser.add_argument("--device", nargs="+", default=["reference", "cpu"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    cases = [c for c in all_cases(args.seed) if not args.op or c.op in args.op]
    if args.cases:
        cases = cases[:args.cases]
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    rows = collections.defaultdict(Row)
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        rows = run_cases(os.path.abspath(args.cairn), cases, args.device, folder)
    report(rows)
    failed = sum(len(row.failed) for row in rows.values())
    print(f"oracle: {len(cases)} cases, {len({c.op for c in cases})} ops, seed {args.seed}, PyTorch "
          f"{torch.__version__}: {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
