"""What PyTorch computes for the ops that normalise each example, and nasty inputs for them: vectors.py for them."""
import torch.nn.functional as F

from vectors import SIZES, exact, values


def layer_norm(t, a):
    x, dims = t["x"], a.get("dims", 0)
    return {"y": F.layer_norm(x, x.shape[-dims if dims else 1:], t.get("weight"), t.get("bias"), a.get("eps", 1e-5))}


def local_response_norm(t, a):
    return {"y": F.local_response_norm(t["x"], a["size"], **{k: a[k] for k in ["alpha", "beta", "k"] if k in a})}


def make_layer_norm(r):
    """Five values a row at least, as of batch norm; some means far above the deviation."""
    dims = [r.choice(SIZES), *(r.choice([1, 2, 3, 5, 8]) for _ in range(r.choice([0, 1, 2]))), r.choice([5, 8, 9, 17, 33, 100])]
    count = r.choice([0, *range(1, len(dims))])
    x = values(r, dims)
    if r.random() < 0.2:
        x = exact(100 + 0.1 * values(r, dims, "normal"))  # of more, float64 loses the digits that are compared
    row = dims[-count if count else 1:]
    weights = {k: values(r, row, "far") for k in ["weight", "bias"] if r.random() < 0.7}
    return {"x": x} | weights, {"dims": count, "eps": r.choice([1e-5, 1e-3, 0.5])}


def make_local_response_norm(r):
    x = values(r, [r.choice([1, 2, 3, 17, 33]), *(r.choice([1, 2, 3, 5, 8, 13]) for _ in range(r.choice([2, 3])))])
    return {"x": x}, {"size": r.choice([1, 2, 3, 4, 5, 9, 20]), "alpha": r.choice([1e-4, 0.1, 1]),
                      "beta": r.choice([0.5, 0.75, 1.5]), "k": r.choice([0.5, 1, 2])}


FORWARD = {"layer_norm": layer_norm, "local_response_norm": local_response_norm}
NASTY = {"layer_norm": make_layer_norm, "local_response_norm": make_local_response_norm}
