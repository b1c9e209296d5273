"""One update of PyTorch's optimizers, and clipping, on flat buffers: vectors.py for what has a state."""
import torch
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from vectors import SIZES, values

TABLE = {"begins", "multipliers"}


def buffers(t):
    return {k: v.clone() for k, v in t.items() if k not in TABLE}


def run_sgd(t, a):
    b = buffers(t)
    sgd([b["parameters"]], [b["gradients"]], [b["momentum"]], weight_decay=a.get("weight_decay", 0), momentum=a["momentum"],
        lr=a["state.lr"], dampening=0, nesterov=a.get("nesterov", False), maximize=False)
    return {"parameters": b["parameters"], "momentum": b["momentum"]}


def run_adam(t, a):
    b = buffers(t)
    steps = torch.tensor(float(a["state.step"] - 1))  # that call counts the step itself
    update = adamw if a.get("decoupled") else adam
    update([b["parameters"]], [b["gradients"]], [b["first_moment"]], [b["second_moment"]], [], [steps], amsgrad=False,
           beta1=a["beta1"], beta2=a["beta2"], lr=a["state.lr"], weight_decay=a["weight_decay"], eps=a["eps"],
           maximize=False)
    return {k: b[k] for k in ["parameters", "first_moment", "second_moment"]}


def run_rmsprop(t, a):
    b = buffers(t)
    rmsprop([b["parameters"]], [b["gradients"]], [b["mean_square"]], [], [b["momentum"]], lr=a["state.lr"],
            alpha=a["alpha"], eps=a["eps"], weight_decay=a["weight_decay"], momentum=a["momentum"], centered=False)
    return {k: b[k] for k in ["parameters", "mean_square", "momentum"]}


def run_clip_norm(t, a):
    parameter = torch.nn.Parameter(torch.zeros_like(t["gradients"]))
    parameter.grad = t["gradients"].clone()
    norm = torch.nn.utils.clip_grad_norm_([parameter], a["max_norm"])
    return {"gradients": parameter.grad, "norm": norm}


def run_ema(t, a):
    return {"average": torch.lerp(t["parameters"], t["average"], a["decay"])}


def flat(r, *names):
    size = [r.choice(SIZES + [64, 100, 1000, 4097])]
    tensors = {name: values(r, size, "positive" if name in ("second_moment", "mean_square") else "normal") for name in names}
    return tensors, size[0]


def table(size):
    return {"begins": torch.tensor([0, size]), "multipliers": torch.ones(1, 2, dtype=torch.float64)}


def make_sgd(r):
    t, size = flat(r, "parameters", "gradients", "momentum")
    return t | table(size), {"momentum": r.choice([0.5, 0.9]), "weight_decay": r.choice([0, 0.125]),
                             "nesterov": r.random() < 0.5, "state.lr": r.choice([0.1, 0.5]), "state.step": 3}


def make_adam(r):
    t, size = flat(r, "parameters", "gradients", "first_moment", "second_moment")
    return t | table(size), {"beta1": r.choice([0.5, 0.9]), "beta2": r.choice([0.75, 0.999]), "eps": r.choice([1e-8, 1e-3]),
                             "weight_decay": r.choice([0, 0.125]), "decoupled": r.random() < 0.5,
                             "state.lr": r.choice([0.001, 0.5]), "state.step": r.choice([1, 2, 1000])}


def make_rmsprop(r):
    t, size = flat(r, "parameters", "gradients", "mean_square", "momentum")
    return t | table(size), {"alpha": r.choice([0.5, 0.99]), "eps": r.choice([1e-8, 1e-3]), "momentum": r.choice([0.5, 0.9]),
                             "weight_decay": r.choice([0, 0.125]), "state.lr": r.choice([0.001, 0.5]), "state.step": 3}


FORWARD = {"sgd": run_sgd, "adam": run_adam, "rmsprop": run_rmsprop, "clip_norm": run_clip_norm, "ema": run_ema}
NASTY = {"sgd": make_sgd, "adam": make_adam, "rmsprop": make_rmsprop,
         "clip_norm": lambda r: (flat(r, "gradients")[0], {"max_norm": r.choice([0.5, 5, 1000])}),
         "ema": lambda r: (flat(r, "average", "parameters")[0], {"decay": r.choice([0.5, 0.999])})}
