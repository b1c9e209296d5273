"""Golden values of kernels/sgd and kernels/adam: torch.optim's third update, in float64."""
import torch


def show(name, values):
    print(f"  {name}: {{{', '.join(f'{v:.15g}' for v in values)}}}")


def run(title, make, names):
    p = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = make(p)
    for step in range(3):
        p.grad = torch.tensor([0.25, -0.5, 1.0], dtype=torch.float64) * (step + 1)
        if step == 2:
            print(title)
            show("p before", p.tolist())
            for n in names:
                show(n + " before", optimizer.state[p][n].tolist())
            show("g", p.grad.tolist())
        optimizer.step()
    show("p", p.tolist())
    for n in names:
        show(n, optimizer.state[p][n].tolist())


run("sgd", lambda p: torch.optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.01), ["momentum_buffer"])
run("adam", lambda p: torch.optim.Adam([p], lr=0.1, weight_decay=0.01), ["exp_avg", "exp_avg_sq"])
