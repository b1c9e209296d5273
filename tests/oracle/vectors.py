"""What PyTorch computes for each op of Cairn that it has, and nasty inputs for them.

FORWARD: op -> function of tensors and attributes, under the names of `cairn op --list`, to outputs.
NASTY: op -> generator of (tensors, attributes) from a Random.
"""
import torch
import torch.nn.functional as F

SIZES = [1, 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 33]
ACTIVATIONS = {"none": lambda y: y, "relu": F.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


def pair(value):
    return [value, value] if isinstance(value, (int, float)) else list(value)


def axes(a):
    return tuple(a.get("dim", ())) or None


def slices(t, a):
    x, dim = t["x"], a.get("dim", 0)
    index = [slice(None)] * x.dim()
    index[dim] = slice(a.get("start", 0), a.get("end"), a.get("step", 1))
    return {"y": x[tuple(index)]}


def extremum(function):
    return lambda t, a: {"y": function(t["x"], axes(a) or (), a.get("keepdim", False))}


def reduction(function):
    def run(t, a):
        x, dim = t["x"], axes(a)
        return {"y": function(x, dim if dim else tuple(range(x.dim())), keepdim=a.get("keepdim", False))
                if x.dim() else function(x)}
    return run


def pooling(function, *names):
    def run(t, a):
        out = function(t["x"], a.get("kernel_size", 2), a.get("stride"), **{k: a[k] for k in names if k in a})
        return dict(zip(["y", "indices"], out if isinstance(out, tuple) else (out,)))
    return run


def max_pool2d(t, a):
    y, indices = F.max_pool2d(t["x"], a.get("kernel_size", 2), a.get("stride"), a.get("padding", 0),
                              a.get("dilation", 1), a.get("ceil_mode", False), return_indices=True)
    return {"y": y, "indices": indices}


def cross_entropy(t, a):
    x, labels = t["logits"], t["labels"]
    return {"loss": F.cross_entropy(x, labels, **a), "correct": (x.argmax(1) == labels).sum().to(x.dtype),
            "probabilities": x.softmax(1)}


def matmul(t, a):
    x = t["a"].transpose(-1, -2) if a.get("transpose_a") else t["a"]
    return {"y": torch.matmul(x, t["b"].transpose(-1, -2) if a.get("transpose_b") else t["b"])}


def layer(function):
    def run(t, a):
        a = dict(a)
        activation = ACTIVATIONS[a.pop("activation", "none")]
        return {"y": activation(function(t["x"], t["w"], t.get("b"), **a))}
    return run


def batch_norm(t, a, training=True):
    """The running averages count as outputs, and their gradients as none."""
    mean, var = (t[k].detach().clone() for k in ["running_mean", "running_var"])
    y = F.batch_norm(t["x"], mean, var, t.get("weight"), t.get("bias"), training, a.get("momentum", 0.1), a.get("eps", 1e-5))
    y = ACTIVATIONS[a.get("activation", "none")](y + t["residual"] if "residual" in t else y)
    return {"y": y} | ({"running_mean": mean, "running_var": var} if training else {})


def zero_pad_shortcut(t, a):
    x, s = t["x"], a.get("stride", 1)
    return {"y": F.pad(x[:, :, ::s, ::s], (0, 0, 0, 0, 0, max(0, a.get("channels", 0) - x.shape[1])))}


def unary(function):
    return lambda t, a: {"y": function(t["x"], **a)}


def binary(function):
    return lambda t, a: {"y": function(t["a"], t["b"])}


FORWARD = {name: unary(getattr(torch, name)) for name in ["neg", "exp", "log", "square", "sqrt", "abs", "relu",
                                                          "tanh", "sigmoid"]}
FORWARD |= {name: unary(getattr(F, name)) for name in ["leaky_relu", "elu", "gelu", "softplus"]}
FORWARD |= {name: binary(getattr(torch, name)) for name in ["add", "sub", "mul", "div", "minimum", "maximum", "pow"]}
FORWARD |= {
    "clamp": lambda t, a: {"y": torch.clamp(t["x"], a.get("min", -torch.inf), a.get("max"))},
    "scaled_tanh": lambda t, a: {"y": 1.7159 * torch.tanh(t["x"] * (2 / 3))},
    "scale": lambda t, a: {"y": t["x"] * a.get("factor", 1) + a.get("offset", 0)},
    "residual_add": lambda t, a: {"y": ACTIVATIONS[a.get("activation", "none")](t["a"] + t["b"])},
    "batch_norm": batch_norm, "batch_norm_inference": lambda t, a: batch_norm(t, a, False),
    "zero_pad_shortcut": zero_pad_shortcut, "round_bf16": lambda t, a: {"y": t["x"].detach().bfloat16().to(t["x"].dtype)},
    "bias": lambda t, a: {"y": t["x"] + t["b"].reshape([-1] + [1] * (t["x"].dim() - 2))},
    "concat": lambda t, a: {"y": torch.cat([t["a"], t["b"]], a.get("dim", 0))},
    "softmax": lambda t, a: {"y": torch.softmax(t["x"], a.get("dim", -1))},
    "log_softmax": lambda t, a: {"y": torch.log_softmax(t["x"], a.get("dim", -1))},
    "sum": reduction(torch.sum), "mean": reduction(torch.mean),
    "amax": extremum(torch.amax), "amin": extremum(torch.amin),
    "expand": lambda t, a: {"y": t["x"].expand(a["shape"])},
    "matmul": matmul,
    "mse_loss": lambda t, a: {"loss": F.mse_loss(t["prediction"], t["target"], **a)},
    "bce_with_logits": lambda t, a: {"loss": F.binary_cross_entropy_with_logits(t["logits"], t["target"], **a)},
    "softmax_cross_entropy": cross_entropy,
    "one_hot": lambda t, a: {"y": F.one_hot(t["labels"], a["num_classes"]).double()},
    "embedding": lambda t, a: {"y": F.embedding(t["index"], t["weight"])},
    "gather": lambda t, a: {"y": torch.gather(t["x"], a.get("dim", 0), t["index"])},
    "pad": lambda t, a: {"y": F.pad(t["x"], a.get("pad", []), value=a.get("value", 0))},
    "slice": slices,
    "transpose": lambda t, a: {"y": t["x"].transpose(a.get("dim0", 0), a.get("dim1", 0))},
    "permute": lambda t, a: {"y": t["x"].permute(a.get("dims", []))},
    "conv2d": layer(F.conv2d), "linear": layer(F.linear),
    "avg_pool2d": lambda t, a: {"y": F.avg_pool2d(
        t["x"], **({"kernel_size": 2, "count_include_pad": True} | a | {"divisor_override": a.get("divisor_override")}))},
    "max_pool2d": max_pool2d,
    "adaptive_avg_pool2d": lambda t, a: {"y": F.adaptive_avg_pool2d(t["x"], a.get("output_size", 1))},
    "global_avg_pool2d": lambda t, a: {"y": F.adaptive_avg_pool2d(t["x"], 1).flatten(1)},
}


# Inputs, exact in float32.

def exact(x):
    return x.float().double()


def values(r, shape, kind=None):
    generator = torch.Generator().manual_seed(r.randrange(1 << 30))
    x = torch.randn(list(shape), generator=generator, dtype=torch.float64)
    kind = kind or r.choice(["normal", "normal", "normal", "whole", "large", "small", "offset"])
    change = {"normal": lambda: x, "whole": lambda: x.mul(2).round(), "large": lambda: x * 30, "small": lambda: x * 1e-3,
              "offset": lambda: x + 10, "positive": lambda: x.abs() + 0.01, "above": lambda: x.abs() + 1, "unit": lambda: torch.sigmoid(x),
              "far": lambda: x + 0.25 * x.sign()}
    return exact(change[kind]())


def whole(r, shape, below):
    generator = torch.Generator().manual_seed(r.randrange(1 << 30))
    return torch.randint(0, below, list(shape), generator=generator)


def shape(r, low=0, high=5, most=20000, empty=0.05):
    while True:
        dims = [r.choice(SIZES) for _ in range(r.randint(low, high))]
        if r.random() < 0.15 and dims:
            dims[r.randrange(len(dims))] = r.choice([63, 64, 65, 100, 129, 257])
        if r.random() < empty and dims:
            dims[r.randrange(len(dims))] = 0
        if torch.Size(dims).numel() <= most:
            return dims


def subset(r, rank):
    return sorted(r.sample(range(rank), r.randint(0, rank))) if rank else []


def signed(r, dim, rank):
    return dim - rank if r.random() < 0.5 else dim


def elementwise(kind=None, **attrs):
    def make(r):
        return {"x": values(r, shape(r), kind)}, {k: f(r) for k, f in attrs.items() if r.random() < 0.7}
    return make


def bent(make):
    """One element lies where no derivative is near zero, so that the largest measures what the others cancel."""
    def run(r):
        t, attrs = make(r)
        if t["x"].numel():
            t["x"].view(-1)[0] = 0.5
        return t, attrs
    return run


MILD = ["normal", "whole", "small", "offset"]  # no softmax of them is one-hot


def pairs(kind_a=None, kind_b=None, broadcast=True):
    def make(r):
        dims = shape(r)
        a, b = list(dims), list(dims)
        if broadcast and r.random() < 0.6:
            for side in (a, b):
                for i in range(len(side)):
                    if r.random() < 0.3:
                        side[i] = 1
            b = b[r.randint(0, len(b)):] if r.random() < 0.3 else b
            if r.random() < 0.5:
                a, b = b, a
        return {"a": values(r, a, kind_a), "b": values(r, b, kind_b)}, {}
    return make


def residual(r):
    dims = shape(r, 1)
    return {"a": values(r, dims), "b": values(r, dims)}, {"activation": r.choice(["none", "relu"])}


def along(r):
    dims = shape(r, 1)
    dim = r.choice([i for i, d in enumerate(dims) if d] or [0])
    dims[dim] = dims[dim] or 3  # an axis without elements has no softmax
    return {"x": values(r, dims, r.choice(MILD))}, {"dim": signed(r, dim, len(dims))}


def reduced(may_be_empty):
    def make(r):
        dims = shape(r, empty=0.05 if may_be_empty else 0)
        return {"x": values(r, dims)}, {"dim": subset(r, len(dims)), "keepdim": r.random() < 0.5}
    return make


def expanded(r):
    to = shape(r, most=5000)
    dims = [1 if r.random() < 0.4 else d for d in to][r.randint(0, len(to)) if r.random() < 0.3 else 0:]
    return {"x": values(r, dims)}, {"shape": to}


def products(r):
    lead = shape(r, 0, 2, 12)
    m, k, n = (r.choice(SIZES + [64, 100]) for _ in range(3))
    ta, tb = r.random() < 0.4, r.random() < 0.4
    a, b = lead + ([k, m] if ta else [m, k]), lead + ([n, k] if tb else [k, n])
    attrs = {} if not ta and not tb else {"transpose_a": ta, "transpose_b": tb}
    return {"a": values(r, a), "b": values(r, b)}, attrs


def losses(x, target, kind):
    def make(r):
        dims = shape(r, 1, 4, empty=0)
        return {x: values(r, dims), target: values(r, dims, kind)}, {"reduction": r.choice(["mean", "sum"])}
    return make


def classes(r):
    n, k = r.choice(SIZES + [64, 100]), r.choice(SIZES + [10, 100, 1000])
    attrs = {"reduction": r.choice(["mean", "sum"]), "label_smoothing": r.choice([0, 0, 0.1, 0.75, 1])}
    return {"logits": values(r, [n, k], r.choice(MILD)), "labels": whole(r, [n], k)}, attrs


def one_hot(r):
    k = r.choice(SIZES)
    return {"labels": whole(r, shape(r, 1, 3, 2000), k)}, {"num_classes": k}


def embedding(r):
    v = r.choice(SIZES)
    return {"weight": values(r, [v, r.choice(SIZES)]), "index": whole(r, shape(r, 1, 3, 500), v)}, {}


def gathered(r):
    dims = shape(r, 1, 4, 5000, empty=0)
    dim = r.randrange(len(dims))
    index = [r.randint(1, d) for d in dims]
    index[dim] = r.choice(SIZES)
    return {"x": values(r, dims), "index": whole(r, index, dims[dim])}, {"dim": signed(r, dim, len(dims))}


def padded(r):
    dims = shape(r, 1, 4, 3000, empty=0)
    pad = [r.choice([0, 1, 2, 5]) for _ in range(2 * r.randint(1, len(dims)))]
    return {"x": values(r, dims)}, {"pad": pad, "value": r.choice([0, 1.5, -2])}


def sliced(r):
    dims = shape(r, 1)
    dim = r.randrange(len(dims))
    d = dims[dim]
    attrs = {"dim": signed(r, dim, len(dims)), "start": r.randint(-d - 1, d + 1), "end": r.randint(-d - 1, d + 3),
             "step": r.choice([1, 1, 2, 3, 7])}
    return {"x": values(r, dims)}, attrs


def transposed(r):
    dims = shape(r, 1)
    return {"x": values(r, dims)}, {k: signed(r, r.randrange(len(dims)), len(dims)) for k in ["dim0", "dim1"]}


def permuted(r):
    dims = shape(r)
    return {"x": values(r, dims)}, {"dims": [signed(r, d, len(dims)) for d in r.sample(range(len(dims)), len(dims))]}


def biased(r):
    dims = shape(r, 2, 4)
    return {"x": values(r, dims), "b": values(r, dims[1:2])}, {}


def normed(training):
    """Five values a channel at least: of two, the gradient is nothing but rounding."""
    def make(r):
        dims = [r.choice([5, 8, 9, 17, 33]), r.choice([1, 2, 3, 5, 8]), *(r.choice([1, 2, 3, 7]) for _ in range(r.choice([0, 1, 2])))]
        c = dims[1:2]
        t = {"x": values(r, dims), "running_mean": values(r, c), "running_var": values(r, c, "positive")}
        t |= {k: values(r, c, "far") for k in ["weight", "bias"] if r.random() < 0.8}
        t |= {"residual": values(r, dims)} if r.random() < 0.3 else {}
        attrs = {"eps": r.choice([1e-5, 1e-3, 0.5]), "activation": r.choice(["none", "relu"])}
        return t, attrs | ({"momentum": r.choice([0, 0.1, 1])} if training else {})
    return make


def shortcut(r):
    x = values(r, images(r))
    return {"x": x}, {"stride": r.choice([1, 2, 3]), "channels": r.choice([0, x.shape[1], 2 * x.shape[1], 7])}


def linear(r):
    n, i, o = (r.choice(SIZES + [64, 100]) for _ in range(3))
    return activated(r, {"x": values(r, [n, i]), "w": values(r, [o, i]), "b": values(r, [o])}, {}, 0.4)


def activated(r, t, attrs, share):
    """Some without bias, some with an activation, which mustn't be saturated."""
    if r.random() < 0.4:
        t.pop("b")
    if r.random() > share:
        return t, attrs
    shrunk = {k: exact(v / max(1.0, float(v.abs().max()) * (t["w"][0].numel() if k == "w" else 1))) for k, v in t.items()}
    return shrunk, attrs | {"activation": r.choice(list(ACTIVATIONS))}


def conv2d(r):
    while True:
        groups = r.choice([1, 1, 1, 2, 3])
        n, c, o = r.choice([1, 2, 3, 9, 17, 33]), groups * r.choice([1, 2, 3, 5]), groups * r.choice([1, 2, 3, 8, 9])
        h, w, kh, kw = r.choice(SIZES), r.choice(SIZES), r.choice([1, 2, 3, 5, 7]), r.choice([1, 2, 3, 5])
        attrs = {"stride": [r.choice([1, 1, 2, 3]) for _ in "hw"], "padding": [r.choice([0, 0, 1, 2, 3]) for _ in "hw"],
                 "dilation": [r.choice([1, 1, 1, 2, 3]) for _ in "hw"], "groups": groups}
        fits = all(s + 2 * p >= d * (k - 1) + 1 for s, p, d, k in zip((h, w), attrs["padding"], attrs["dilation"], (kh, kw)))
        if fits and n * c * h * w <= 20000:
            break
    t = {"x": values(r, [n, c, h, w]), "w": values(r, [o, c // groups, kh, kw]), "b": values(r, [o])}
    return activated(r, t, attrs, 0.3)


def images(r, low=1):
    while True:
        dims = [r.choice([1, 2, 3, 17, 33]), r.choice([1, 2, 3, 5]), *(r.choice([s for s in SIZES if s >= low]) for _ in "hw")]
        if torch.Size(dims).numel() <= 20000:
            return dims


def windows(kind):
    def make(r):
        dims = images(r)
        k = [min(r.choice([1, 2, 2, 3, 4, 5]), s) for s in dims[2:]]
        a = {"kernel_size": k, "padding": [r.randint(0, v // 2) for v in k], "ceil_mode": r.random() < 0.4}
        if r.random() < 0.8:
            a["stride"] = [r.choice([1, 2, 3]) for _ in "hw"]
        if kind == "max" and all(s + 2 * p >= 2 * v - 1 for s, p, v in zip(dims[2:], a["padding"], k)) and r.random() < 0.5:
            a["dilation"] = [2, 2]
        if kind == "avg":
            a |= {"count_include_pad": r.random() < 0.5} | ({"divisor_override": r.choice([1, 3, 7])} if r.random() < 0.3 else {})
        return {"x": values(r, dims)}, a
    return make


def adaptive(r):
    return {"x": values(r, images(r))}, {"output_size": [r.choice([1, 2, 3, 5, 7, 12]) for _ in "hw"]}


def joined(r):
    dims = shape(r, 1)
    dim = r.randrange(len(dims))
    other = list(dims)
    other[dim] = r.choice([0] + SIZES)
    return {"a": values(r, dims), "b": values(r, other)}, {"dim": signed(r, dim, len(dims))}


NASTY = {name: elementwise() for name in ["neg", "exp", "square", "abs", "relu", "round_bf16"]}
NASTY |= {name: bent(elementwise()) for name in ["tanh", "sigmoid", "scaled_tanh"]}
NASTY |= {
    "log": elementwise("positive"), "sqrt": elementwise("positive"),
    "clamp": elementwise(min=lambda r: r.choice([-2, -0.5, 0]), max=lambda r: r.choice([0, 0.5, 3])),
    "scale": elementwise(factor=lambda r: r.choice([-2, 0.5, 3]), offset=lambda r: r.choice([-1, 0.25])),
    "leaky_relu": elementwise(negative_slope=lambda r: r.choice([0, 0.25, 1, -0.5])),
    "elu": bent(elementwise(alpha=lambda r: r.choice([0.5, 1, 2]))),
    "gelu": bent(elementwise(approximate=lambda r: r.choice(["none", "tanh"]))),
    "softplus": bent(elementwise(beta=lambda r: r.choice([0.5, 1, 3]), threshold=lambda r: r.choice([0.25, 5, 20]))),
    "pow": lambda r: r.choice([pairs("above"), pairs("positive", broadcast=False)])(r), "div": pairs(None, "far"), "residual_add": residual, "bias": biased,
    "softmax": along, "log_softmax": along, "sum": reduced(True), "mean": reduced(False), "amax": reduced(False),
    "amin": reduced(False), "expand": expanded, "matmul": products, "mse_loss": losses("prediction", "target", None),
    "bce_with_logits": losses("logits", "target", "unit"), "softmax_cross_entropy": classes, "one_hot": one_hot,
    "batch_norm": normed(True), "batch_norm_inference": normed(False), "zero_pad_shortcut": shortcut, "embedding": embedding, "gather": gathered, "pad": padded, "slice": sliced, "transpose": transposed,
    "permute": permuted, "conv2d": conv2d, "linear": linear, "avg_pool2d": windows("avg"), "max_pool2d": windows("max"),
    "adaptive_avg_pool2d": adaptive, "concat": joined, "global_avg_pool2d": lambda r: ({"x": values(r, images(r))}, {}),
}
NASTY |= {name: pairs() for name in ["add", "sub", "mul", "minimum", "maximum"]}
