"""Golden values of kernels/sgd, adam, rmsprop, clip_norm and ema: torch.optim's third update, in float64.

Two parameter groups stand for two segments: the second has a learning-rate multiplier of 0.5 and a
decay multiplier of 3.
"""
import torch

LR, DECAY = 0.1, 0.01


def show(name, tensors):
    print(f"  {name}: {{{', '.join(f'{v:.15g}' for t in tensors for v in t.tolist())}}}")


def run(title, make, names):
    params = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([0.5, -1.0, 2.0], [-0.75, 1.5])]
    first = [torch.tensor(v, dtype=torch.float64) for v in ([0.25, -0.5, 1.0], [0.125, 2.0])]
    optimizer = make([{"params": [params[0]], "lr": LR, "weight_decay": DECAY},
                      {"params": [params[1]], "lr": 0.5 * LR, "weight_decay": 3 * DECAY}])
    for step in range(3):
        for p, g in zip(params, first):
            p.grad = g * (step + 1)
        if step == 2:
            print(title)
            show("p before", params)
            for n in names:
                show(n + " before", [optimizer.state[p][n] for p in params])
            show("g", [p.grad for p in params])
        optimizer.step()
    show("p", params)
    for n in names:
        show(n, [optimizer.state[p][n] for p in params])


run("sgd", lambda groups: torch.optim.SGD(groups, lr=LR, momentum=0.9), ["momentum_buffer"])
run("nesterov", lambda groups: torch.optim.SGD(groups, lr=LR, momentum=0.9, nesterov=True), ["momentum_buffer"])
run("adam", lambda groups: torch.optim.Adam(groups, lr=LR), ["exp_avg", "exp_avg_sq"])
run("adamw", lambda groups: torch.optim.AdamW(groups, lr=LR), ["exp_avg", "exp_avg_sq"])
run("rmsprop", lambda groups: torch.optim.RMSprop(groups, lr=LR), ["square_avg"])
run("rmsprop, momentum", lambda groups: torch.optim.RMSprop(groups, lr=LR, alpha=0.9, momentum=0.9),
    ["square_avg", "momentum_buffer"])

print("clip_norm")
gradients = [torch.tensor(v, dtype=torch.float64) for v in ([0.75, -1.5, 3.0], [0.375, 6.0])]
parameters = [torch.zeros_like(g, requires_grad=True) for g in gradients]
for max_norm in (2.0, 100.0):
    for p, g in zip(parameters, gradients):
        p.grad = g.clone()
    print("  norm:", f"{torch.nn.utils.clip_grad_norm_(parameters, max_norm).item():.15g}")
    show(f"clipped to {max_norm}", [p.grad for p in parameters])
