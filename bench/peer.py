# PyTorch's side of a benchmark round: prints one line "id seconds-per-call" for each workload asked for.
import sys
import time

import torch

torch.set_num_threads(1)


def seconds(call, chunks, aim):
    n = 1
    while True:
        start = time.perf_counter()
        for _ in range(n):
            call()
        t = time.perf_counter() - start
        if t >= aim / 4:
            break
        n *= 2
    best = float("inf")
    for _ in range(chunks):
        start = time.perf_counter()
        for _ in range(n):
            call()
        best = min(best, (time.perf_counter() - start) / n)
    return best


def add4():
    a, b = torch.rand(4, 4), torch.rand(4, 4)
    return lambda: a + b


def stepper(model, loss_function, optimizer, x, y):
    def step():
        loss = loss_function(model(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def step281():
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return stepper(model, torch.nn.functional.binary_cross_entropy_with_logits, optimizer, x, y)


def step784():
    x, y = torch.rand(64, 784), torch.randint(0, 10, (64,))
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=True)
    return stepper(model, torch.nn.functional.cross_entropy, optimizer, x, y)


def matmul1024():
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
    return lambda: a @ b


for name in sys.argv[1:]:
    print(name, "%.9g" % seconds(globals()[name](), 7, 0.15))
