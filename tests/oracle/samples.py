"""PyTorch's own sample inputs (op_db) as cases of `cairn op`.

op_db wants the module expecttest, which Debian lacks; of it only these names are used at import.
"""
import random
import sys
import types
import unittest
import unittest.mock

import numpy
import torch

sys.modules.setdefault("expecttest", types.ModuleType("expecttest"))
sys.modules["expecttest"].TestCase, sys.modules["expecttest"].ACCEPT = unittest.TestCase, False
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

UNARY = {name: name for name in ["neg", "exp", "log", "square", "sqrt", "abs", "tanh", "sigmoid"]}
UNARY |= {f"nn.functional.{name}": name for name in ["relu", "leaky_relu", "elu", "gelu", "softplus"]}
BINARY = {name: name for name in ["add", "sub", "mul", "div", "minimum", "maximum", "pow"]}


class Unlike(Exception):
    """A sample that asks for what the op of Cairn doesn't have."""


def unless(condition):
    if condition:
        raise Unlike


def take(sample, *names):
    """Arguments by position and by name."""
    a = dict(zip(names, sample.args)) | sample.kwargs
    unless(set(a) - set(names) or len(sample.args) > len(names))
    return {k: v for k, v in a.items() if v is not None}


def unary(sample):
    return {"x": sample.input}, take(sample, "negative_slope", "alpha", "approximate", "beta", "threshold")


def binary(sample):
    unless(sample.kwargs or not isinstance(sample.args[0], torch.Tensor))
    return {"a": sample.input, "b": sample.args[0]}, {}


def clamp(sample):
    a = take(sample, "min", "max")
    unless(any(isinstance(v, torch.Tensor) for v in a.values()))
    return {"x": sample.input}, a


def cat(sample):
    unless(len(sample.input) != 2 or sample.input[0].dim() != sample.input[1].dim())
    return {"a": sample.input[0], "b": sample.input[1]}, take(sample, "dim")


def along(sample):
    a = take(sample, "dim", "dtype")
    unless("dtype" in a or sample.input.dim() == 0)
    return {"x": sample.input}, a


def reduced(sample):
    a = take(sample, "dim", "keepdim")
    unless(sample.input.dim() == 0 and a.get("dim") not in (None, [], ()))
    if "dim" in a:
        a["dim"] = [a["dim"]] if isinstance(a["dim"], int) else list(a["dim"])
    return {"x": sample.input}, a


def layer(*names):
    def make(sample):
        unless(any(isinstance(v, str) for v in sample.kwargs.values()))
        w, *b = sample.args
        unless(sample.input.dim() != (2 if not names else 4) or sample.input.shape[0] == 0)
        t = {"x": sample.input, "w": w} | ({"b": b[0]} if b and b[0] is not None else {})
        return t, {k: v for k, v in sample.kwargs.items() if k in names}
    return make


def windows(*names):
    def make(sample):
        a = take(sample, *names)
        unless(sample.input.dim() != 4)
        a = {k: v for k, v in a.items() if v != () and k != "return_indices"}
        return {"x": sample.input}, a
    return make


def adaptive(sample):
    a = take(sample, "output_size")
    unless(sample.input.dim() != 4)
    size = a["output_size"]
    size = [size, size] if isinstance(size, int) else size
    return {"x": sample.input}, {"output_size": [d or s for d, s in zip(size, sample.input.shape[2:])]}


def loss(x, y):
    def make(sample):
        a = dict(sample.kwargs)
        unless(set(a) - {"reduction", "label_smoothing"} or a.get("reduction") == "none" or sample.input.dim() == 0)
        unless(sample.input.shape != sample.args[0].shape)
        return {x: sample.input, y: sample.args[0]}, a
    return make


def cross_entropy(sample):
    a = dict(sample.kwargs)
    unless(set(a) - {"reduction", "label_smoothing"} or a.get("reduction") == "none" or sample.input.dim() != 2)
    unless(sample.args[0].is_floating_point())
    return {"logits": sample.input, "labels": sample.args[0]}, a


def one_hot(sample):
    a = take(sample, "num_classes")
    unless(a.get("num_classes", -1) < 1)
    return {"labels": sample.input}, a


def embedding(sample):
    unless(sample.kwargs or sample.args[0].dim() == 0)
    return {"weight": sample.input, "index": sample.args[0]}, {}


def gather(sample):
    dim, index = sample.args
    unless(sample.input.dim() == 0 or index.dim() != sample.input.dim())
    return {"x": sample.input, "index": index}, {"dim": dim}


def pad(sample):
    a = take(sample, "pad", "mode", "value")
    unless(a.pop("mode", "constant") != "constant" or min(a["pad"]) < 0)
    return {"x": sample.input}, a


def narrow(sample):
    dim, start, length = sample.args
    unless(isinstance(start, torch.Tensor))
    start += sample.input.shape[dim] if start < 0 else 0
    return {"x": sample.input}, {"dim": dim, "start": start, "end": start + length}


def layer_norm(sample):
    a = take(sample, "normalized_shape", "weight", "bias", "eps")
    row = a.pop("normalized_shape")
    unless(sample.input.dim() == len(row) or a.get("eps", 0) < 0)
    unless(torch.Size(row).numel() < 5)  # a gradient would be nothing but rounding
    t = {k: a.pop(k) for k in ["weight", "bias"] if k in a}
    return {"x": sample.input} | t, a | {"dims": len(row)}


def response(sample):
    return {"x": sample.input}, take(sample, "size", "alpha", "beta", "k")


def renamed(*names):
    def make(sample):
        a = take(sample, *names)
        unless(sample.input.dim() == 0 and names[0] == "dim0")
        return {"x": sample.input}, {k: list(v) if isinstance(v, (tuple, torch.Size)) else v for k, v in a.items()}
    return make


def matmul(sample):
    a, b = sample.input.shape, sample.args[0].shape
    unless(sample.kwargs or min(len(a), len(b)) < 2 or a[:-2] != b[:-2])  # nothing is broadcast
    return {"a": sample.input, "b": sample.args[0]}, {}


MADE_BY = {name: (op, unary) for name, op in UNARY.items()} | {name: (op, binary) for name, op in BINARY.items()}
MADE_BY |= {name: (name, along) for name in ["softmax", "log_softmax"]}
MADE_BY |= {name: (name, reduced) for name in ["sum", "mean", "amax", "amin"]}
MADE_BY |= {name: ("matmul", matmul) for name in ["matmul", "mm", "bmm"]}
MADE_BY |= {
    "clamp": ("clamp", clamp), "cat": ("concat", cat), "gather": ("gather", gather), "narrow": ("slice", narrow),
    "transpose": ("transpose", renamed("dim0", "dim1")), "permute": ("permute", renamed("dims")),
    "expand": ("expand", renamed("shape")),
    "nn.functional.conv2d": ("conv2d", layer("stride", "padding", "dilation", "groups")),
    "nn.functional.linear": ("linear", layer()), "nn.functional.pad": ("pad", pad),
    "nn.functional.layer_norm": ("layer_norm", layer_norm),
    "nn.functional.local_response_norm": ("local_response_norm", response),
    "nn.functional.embedding": ("embedding", embedding), "nn.functional.one_hot": ("one_hot", one_hot),
    "nn.functional.mse_loss": ("mse_loss", loss("prediction", "target")),
    "nn.functional.binary_cross_entropy_with_logits": ("bce_with_logits", loss("logits", "target")),
    "nn.functional.cross_entropy": ("softmax_cross_entropy", cross_entropy),
    "nn.functional.adaptive_avg_pool2d": ("adaptive_avg_pool2d", adaptive),
    "nn.functional.avg_pool2d": ("avg_pool2d", windows("kernel_size", "stride", "padding", "ceil_mode",
                                                       "count_include_pad", "divisor_override")),
    "nn.functional.max_pool2d": ("max_pool2d", windows("kernel_size", "stride", "padding", "dilation", "ceil_mode",
                                                       "return_indices")),
}


SAMPLE = random.sample


def sample_of_any(population, k):
    """random.sample, which takes no sets since Python 3.11; PyTorch 1.13 gives it some."""
    return SAMPLE(sorted(population) if isinstance(population, set) else population, k)


def sample_cases(seed):
    """(op, tensors, attributes) of every sample that Cairn's op can take, tensors rounded to float32."""
    torch.manual_seed(seed), random.seed(seed), numpy.random.seed(seed % 2**32)
    with unittest.mock.patch.object(random, "sample", sample_of_any):
        yield from taken_samples()


def taken_samples():
    for info in op_db:
        if info.name not in MADE_BY or info.variant_test_name not in ("", "constant", "no_rounding_mode"):
            continue
        op, make = MADE_BY[info.name]
        dtype = torch.int64 if op == "one_hot" else torch.float64
        for sample in info.sample_inputs("cpu", dtype, requires_grad=False):
            try:
                tensors, attrs = make(sample)
            except Unlike:
                continue
            yield op, {k: v.detach().float().double() if v.is_floating_point() else v for k, v in tensors.items()}, attrs
