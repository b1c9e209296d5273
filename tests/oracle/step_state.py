"""Golden values of next_step (kernels/step_state) from PyTorch's schedulers, in float64.

Update s, counted from 1, has the rate after s - 1 calls of the scheduler. A one-cycle schedule of 10
updates falls as a cosine over 7 updates from the fourth on.
"""
import torch
from torch.optim import lr_scheduler


def rates(make, lr, count):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    result = [optimizer.param_groups[0]["lr"]]
    for _ in range(count - 1):
        optimizer.step()
        scheduler.step()
        result.append(optimizer.param_groups[0]["lr"])
    return result


def show(title, values):
    print(title, [float(f"{v:.15g}") for v in values])


show("cosine lr=0.2 horizon=4, updates 1-4",
     rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=4), 0.2, 4))
step = rates(lambda o: lr_scheduler.MultiStepLR(o, milestones=[50, 75]), 1.0, 100)
show("step lr=1 horizon=100, updates 50, 51, 75, 76", [step[s - 1] for s in (50, 51, 75, 76)])
step = rates(lambda o: lr_scheduler.MultiStepLR(o, milestones=[30, 60, 80]), 1.0, 100)
show("step lr=1 milestones=30,60,80, updates 30, 31, 81", [step[s - 1] for s in (30, 31, 81)])
show("warmup lr=1 warmup=4 warmup_lr=0.1, updates 4, 5",
     rates(lambda o: lr_scheduler.ConstantLR(o, factor=0.1, total_iters=4), 1.0, 5)[3:])
show("one-cycle lr=1 horizon=10, updates 4-10",
     rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=7, eta_min=1e-4), 1.0, 7))
show("warmup lr=1 warmup=4, updates 1-5",
     rates(lambda o: lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=3), 1.0, 5))
