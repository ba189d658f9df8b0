#!/usr/bin/python3
"""What PyTorch 1.13 makes of SIREN (Sitzmann et al. 2020) from weights and a signal that both sides share.

    /usr/bin/python3 spec/golden/siren.py                        rewrites siren.json: 20 steps of a
                                                                 small network, for siren_spec.lua
    /usr/bin/python3 spec/golden/siren.py siren.npz [rate]       500 steps on a photograph, from the
        > spec/golden/siren.log                                  file that siren.lua writes

Each step is one of Adam on all points of the signal. PSNR is that of values cut to 0..1.
"""
import json
import math
import os
import sys
import time

import numpy as np
import torch

OMEGA, STEPS = 30.0, 500
ROWS = 2048  # points whose gradients are made at once, so that they stay in the cache
SMALL, SMALL_SIDE, SMALL_STEPS, SMALL_RATE = [2, 16, 16, 16, 16, 1], 12, 20, 1e-4


class Siren(torch.nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(i, o) for i, o in zip(widths, widths[1:]))
        for i, layer in enumerate(self.layers):
            inputs = layer.in_features
            bound = 1 / inputs if i == 0 else math.sqrt(6 / inputs) / OMEGA
            torch.nn.init.uniform_(layer.weight, -bound, bound)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.sin(OMEGA * layer(x))
        return self.layers[-1](x)


def psnr(model, points, values):
    with torch.no_grad():
        seen = torch.cat([model(x) for x in points.split(ROWS)]).clamp(0, 1)
        return -10 * math.log10(((seen - values) ** 2).mean().item())


def adam_steps(model, points, values, rate):
    """Makes a step for each value that it yields: the loss before it."""
    adam = torch.optim.Adam(model.parameters(), lr=rate)
    while True:
        adam.zero_grad()
        loss = 0.0
        for x, y in zip(points.split(ROWS), values.split(ROWS)):
            part = ((model(x) - y) ** 2).sum() / len(points)
            part.backward()
            loss += part.item()
        adam.step()
        yield loss


# ---- the small network ---------------------------------------------------------------------------
def packed(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().double().flatten().tolist()}


def small_run(state, points, values, dtype):
    model = Siren(SMALL).to(dtype)
    model.load_state_dict({name: value.to(dtype) for name, value in state.items()})
    steps = adam_steps(model, points.to(dtype), values.to(dtype), SMALL_RATE)
    losses = [next(steps) for _ in range(SMALL_STEPS)]
    return {"losses": losses, "output": packed(model(points.to(dtype)))}


def small():
    torch.manual_seed(1)
    state = Siren(SMALL).state_dict()
    middles = torch.linspace(1 / SMALL_SIDE - 1, 1 - 1 / SMALL_SIDE, SMALL_SIDE)
    y, x = torch.meshgrid(middles, middles, indexing="ij")
    points = torch.stack((x, y), -1).reshape(-1, 2)
    values = 0.5 + 0.4 * torch.sin(5 * points[:, :1]) * torch.cos(7 * points[:, 1:])
    case = {"widths": SMALL, "steps": SMALL_STEPS, "rate": SMALL_RATE, "points": packed(points),
            "values": packed(values), "state": {name: packed(value) for name, value in state.items()},
            "float32": small_run(state, points, values, torch.float32),
            "float64": small_run(state, points, values, torch.float64)}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "siren.json")
    with open(path, "w") as f:
        json.dump(case, f)


# ---- the photograph ------------------------------------------------------------------------------
def photograph(path, rate):
    start = {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    points, values = start.pop("points"), start.pop("values")
    widths = [2] + [start[f"layers.{i}.bias"].numel() for i in range(len(start) // 2)]
    model = Siren(widths)
    model.load_state_dict(start)
    print(f"PyTorch {torch.__version__}, {'-'.join(map(str, widths))}, rate {rate:g}, "
          f"{len(points)} points")
    began, steps = time.time(), adam_steps(model, points, values, rate)
    for step in range(STEPS + 1):
        if step % 100 == 0:
            print(f"step {step}: {psnr(model, points, values):.2f} dB", flush=True)
        if step < STEPS:
            next(steps)
    print(f"{time.time() - began:.0f} s on {torch.get_num_threads()} thread", file=sys.stderr)


if len(sys.argv) > 1:
    photograph(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1e-4)
else:
    small()
