# PyTorch's side of the benchmark: a child (bench/child.lua) that runs a workload in one face. "usual"
# is what a tutorial writes. "tuned" is the best of the variants below, tried on this machine before
# each workload: gradients set to None, foreach optimizers, row chunks that stay in the cache with
# gradients added up, traced (and for inference frozen) modules, inference_mode.
import json
import struct
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

CHECKED = 5  # losses, or numbers of the output, that both sides compare; where nothing is updated,
# the last is the sum of all gradients' magnitudes


# -- networks: named as in bench/nets.lua, lists counted from 0 ------------------------------------

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "square": torch.square}


class Mlp(nn.Module):
    def __init__(self, net):
        super().__init__()
        widths, bias = net["widths"], net.get("bias", True)
        self.layers = nn.ModuleList(nn.Linear(i, o, bias=bias) for i, o in zip(widths, widths[1:]))
        self.activation = ACTIVATIONS[net.get("activation", "square")]

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


class Ffn(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.norm = nn.LayerNorm(net["dim"])
        self.up = nn.Linear(net["dim"], net["hidden"])
        self.down = nn.Linear(net["hidden"], net["dim"])

    def forward(self, x):
        return x + self.down(F.gelu(self.up(self.norm(x))))


class Glu(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.gate = nn.Linear(net["dim"], net["hidden"], bias=False)
        self.value = nn.Linear(net["dim"], net["hidden"], bias=False)
        self.down = nn.Linear(net["hidden"], net["dim"], bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.value(x))


class Moe(nn.Module):
    """Softmax over the chosen scores; each expert is one Glu over its rows."""

    def __init__(self, net):
        super().__init__()
        self.router = nn.Linear(net["dim"], net["experts"], bias=False)
        self.experts = nn.ModuleList(Glu(net) for _ in range(net["experts"]))
        self.top_k = net["top_k"]

    @staticmethod
    def unstacked(state):
        """Our experts lie in one tensor per matrix, theirs in a module each."""
        names = {"gate": "gate", "up": "value", "down": "down"}
        own = {"router.weight": state.pop("router.linear.weight")}
        for name, value in state.items():
            for e, matrix in enumerate(value):
                own[f"experts.{e}.{names[name]}.weight"] = matrix
        return own

    def forward(self, x):
        scores, chosen = self.router(x).topk(self.top_k, dim=-1)
        share, y = scores.softmax(-1), torch.zeros_like(x)
        for e, expert in enumerate(self.experts):
            row, place = torch.where(chosen == e)
            y = y.index_add(0, row, expert(x[row]) * share[row, place].unsqueeze(-1))
        return y


class Siren(nn.Module):
    def __init__(self, net):
        super().__init__()
        widths = net["widths"]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(widths, widths[1:]))
        self.omega = net["omega"]

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.sin(self.omega * layer(x))
        return self.layers[-1](x)


class HashGrid(nn.Module):
    """One level at a time. Indexing adds gradients up faster than embedding, embedding_bag and
    index_select do, and one split makes one gradient of the whole table."""

    PRIMES = (1, 2654435761, 805459861)

    def __init__(self, net):
        super().__init__()
        self.axes, self.levels = net["axes"], []
        for level in range(net["levels"]):
            cells = int(net["base"] * net["growth"] ** level * (1 + 1e-9))
            dense = (cells + 1) ** self.axes <= net["table_size"]
            entries = (cells + 1) ** self.axes if dense else net["table_size"]
            self.levels.append((cells, entries, dense))
        rows = sum(entries for _, entries, _ in self.levels)
        self.table = nn.Parameter(torch.empty(rows, net["features"]))
        corners = [[c >> d & 1 for d in range(self.axes)] for c in range(1 << self.axes)]
        self.register_buffer("corners", torch.tensor(corners), persistent=False)  # (2^D, D)

    def places(self, cell, cells, entries, dense):
        corner = cell.unsqueeze(1) + self.corners
        place = corner[..., 0]
        for d in range(1, self.axes):
            if dense:
                place = place + corner[..., d] * (cells + 1) ** d
            else:
                place = place ^ (corner[..., d] * self.PRIMES[d])
        return place if dense else place & (entries - 1)

    def forward(self, x):
        x, features = (x + 1) * 0.5, []
        tables = self.table.split([entries for _, entries, _ in self.levels])
        for table, (cells, entries, dense) in zip(tables, self.levels):
            at = x * cells
            cell = at.floor().clamp(max=cells - 1)
            high = (at - cell).unsqueeze(1)
            weight = torch.where(self.corners.bool(), high, 1 - high).prod(-1)
            places = self.places(cell.long(), cells, entries, dense)
            features.append((table[places] * weight.unsqueeze(-1)).sum(1))
        return torch.cat(features, -1)


def composited(density, colour, delta):
    """The colour of rays (Mildenhall et al. 2020, equation 3): (R, S), (R, S, 3) -> (R, 3)."""
    depth = density * delta
    passed = torch.exp(depth - depth.cumsum(-1))
    return ((passed * (1 - torch.exp(-depth))).unsqueeze(-1) * colour).sum(-2)


class Composite(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.density = nn.Parameter(torch.empty(net["rays"], net["samples"]))
        self.colour = nn.Parameter(torch.empty(net["rays"], net["samples"], 3))

    def forward(self, x):
        return composited(self.density, self.colour, (x + 1) * (1 / x.shape[1]))


class Encoding(nn.Module):
    """x, then sines and cosines of x at doubling frequencies."""

    def __init__(self, frequencies):
        super().__init__()
        self.register_buffer("scale", 2.0 ** torch.arange(frequencies).float().unsqueeze(-1),
                             persistent=False)

    def forward(self, x):
        angle = x.unsqueeze(-2) * self.scale
        waves = torch.stack((angle.sin(), angle.cos()), -2)
        return torch.cat((x, waves.flatten(-3)), -1)


class NerfField(nn.Module):
    def __init__(self, net):
        super().__init__()
        width, view = net["width"], 3 + 6 * net["view_frequencies"]
        self.position = Encoding(net["frequencies"])
        self.direction = Encoding(net["view_frequencies"])
        widths = [3 + 6 * net["frequencies"]] + [width] * net["depth"]
        self.trunk = Mlp({"widths": widths, "activation": "relu"})
        self.density = nn.Linear(width, 1)
        self.feature = nn.Linear(width, width)
        self.colour = Mlp({"widths": [width + view, width // 2, 3], "activation": "relu"})

    def forward(self, x, directions):
        h = torch.relu(self.trunk(self.position(x)))
        density = F.softplus(self.density(h).squeeze(-1))
        view = self.direction(directions).unsqueeze(1).expand(-1, x.shape[1], -1)
        return density, torch.sigmoid(self.colour(torch.cat((self.feature(h), view), -1)))


class Nerf(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.field, samples = NerfField(net), net["samples"]
        self.register_buffer("t", torch.arange(1, samples + 1) * (2 / samples), persistent=False)

    def forward(self, x):
        origins, directions = x[:, :3], x[:, 3:]
        points = origins.unsqueeze(1) + directions.unsqueeze(1) * self.t.unsqueeze(-1)
        density, colour = self.field(points, directions)
        return composited(density, colour, self.t[0])


class Operand(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.other = nn.Parameter(torch.empty(net["dim"], net["dim"]))


class Add(Operand):
    def forward(self, x):
        return x + self.other


class Matmul(Operand):
    def forward(self, x):
        return x @ self.other


NETS = {"mlp": Mlp, "ffn": Ffn, "glu": Glu, "moe": Moe, "siren": Siren,
        "quadratic": Mlp, "hash_grid": HashGrid, "composite": Composite, "nerf": Nerf,
        "add": Add, "matmul": Matmul}
LOSSES = {"mse": F.mse_loss, "cross_entropy": F.cross_entropy,
          "bce": F.binary_cross_entropy_with_logits}
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


# -- the start that our side wrote -----------------------------------------------------------------

def load(path):
    """The tensors of a safetensors file, by name."""
    dtypes = {"F32": numpy.float32, "I64": numpy.int64}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = numpy.fromfile(file, numpy.uint8)
    header.pop("__metadata__", None)
    return {name: torch.from_numpy(data[slice(*entry["data_offsets"])].view(dtypes[entry["dtype"]])
                                   .reshape(entry["shape"]).copy())
            for name, entry in header.items()}


def from_zero(name):
    return ".".join(str(int(part) - 1) if part.isdigit() else part for part in name.split("."))


def model_at(row, start):
    model = NETS[row["net"]["kind"]](row["net"])
    prefix = "model."
    state = {from_zero(name[len(prefix):]): value for name, value in start.items()
             if name.startswith(prefix)}
    model.load_state_dict(model.unstacked(state) if isinstance(model, Moe) else state)
    return model


def data_of(row, start):
    x, y = start["x"], start.get("y")
    if row.get("loss") == "cross_entropy":
        y = y - 1
    return x, y


def batches_of(row, start):
    """The order cut into batches, used round and round."""
    whole = start["order"][:row["rows"] // row["batch"] * row["batch"]] - 1
    batches = [batch.clone() for batch in whole.split(row["batch"])]
    while True:
        yield from batches


# -- one call of a workload ------------------------------------------------------------------------

class Gradients(torch.optim.Optimizer):
    """Of a workload that ends with the backward pass: clears, and steps nowhere."""

    def __init__(self, parameters):
        super().__init__(parameters, {})

    def step(self):
        pass


def optimizer_of(row, model, **options):
    if "optimizer" not in row:
        return Gradients(model.parameters())
    return OPTIMIZERS[row["optimizer"]](model.parameters(), lr=row["lr"], **options)


def usual_training(row, start):
    model, loss_of = model_at(row, start), LOSSES[row["loss"]]
    optimizer = optimizer_of(row, model)
    x, y = data_of(row, start)
    batches = batches_of(row, start) if row.get("rows") else None

    def step():
        if batches:
            chosen = next(batches)
            loss = loss_of(model(x[chosen]), y[chosen])
        else:
            loss = loss_of(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step.parameters = list(model.parameters())
    return step


def usual_inference(row, start):
    model, x = model_at(row, start), start["x"]
    model.eval()

    def forward():
        with torch.no_grad():
            return model(x)

    return forward


def tuned_training(row, start, chunk, traced):
    model, loss_of = model_at(row, start), LOSSES[row["loss"]]
    parameters = list(model.parameters())
    optimizer = optimizer_of(row, model, foreach=True)
    x, y = data_of(row, start)
    if traced:
        model = torch.jit.trace(model, x[:chunk])
    batches = batches_of(row, start) if row.get("rows") else None
    rows = row["batch"]

    def step():
        given, wanted = x, y
        if batches:
            chosen = next(batches)
            given, wanted = x.index_select(0, chosen), y.index_select(0, chosen)
        for parameter in parameters:
            parameter.grad = None
        if chunk == rows:
            total = loss_of(model(given), wanted)
            total.backward()
        else:
            total = 0
            for part, target in zip(given.split(chunk), wanted.split(chunk)):
                loss = loss_of(model(part), target) * (len(part) / rows)
                loss.backward()
                total = total + loss.detach()
        optimizer.step()
        return total

    step.parameters = parameters
    return step


def tuned_inference(row, start, chunk, traced):
    model, x = model_at(row, start).eval(), start["x"]
    if traced:
        with torch.no_grad():
            model = torch.jit.freeze(torch.jit.trace(model, x[:chunk]))

    @torch.inference_mode()
    def forward():
        if chunk == row["batch"]:
            return model(x)
        return torch.cat([model(part) for part in x.split(chunk)])

    return forward


def seconds(call, calls):
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - begin


def calls_for(call, aim):
    """How many calls make a chunk of about `aim` seconds. Finding out warms everything up."""
    n, t = 1, seconds(call, 1)
    while t < aim / 4:
        n *= 2
        t = seconds(call, n)
    return max(1, int(numpy.ceil(n * aim / t)))


def best_variant(row, start, make, aim):
    """(chunk, traced) of the fastest variant: first how many rows at a time, then whether traced."""

    def tried(variant):
        call = make(row, start, *variant)
        n = calls_for(call, aim / 3)
        return min(seconds(call, n) for _ in range(2)) / n

    rows = row["batch"]
    whole = row.get("rows") or row.get("whole")
    halves = [c for c in (8192, 2048, 512, 128) if c * 2 <= rows and not whole]
    times = {(chunk, False): tried((chunk, False)) for chunk in [rows] + halves}
    fastest = min(times, key=times.get)
    if row["net"]["kind"] != "moe":  # a trace would keep the routing of the rows it saw
        times[fastest[0], True] = tried((fastest[0], True))
    return min(times, key=times.get)


# -- requests --------------------------------------------------------------------------------------

ready = {}


def prepare(q):
    """{row, file, face, threads, seconds} -> {figures, variant}"""
    ready.clear()
    torch.set_num_threads(q["threads"])
    row, start = q["row"], load(q["file"])
    training, variant = "loss" in row, None
    if q["face"] == "usual":
        call = (usual_training if training else usual_inference)(row, start)
    else:
        make = tuned_training if training else tuned_inference
        chunk, traced = best_variant(row, start, make, q["seconds"])
        variant = "%d rows at a time%s" % (chunk, ", traced" if traced else "")
        call = make(row, start, chunk, traced)
    if training:
        figures = [float(call().detach()) for _ in range(CHECKED)]
        if "optimizer" not in row:
            figures[-1] = sum(float(p.grad.abs().sum()) for p in call.parameters)
    else:
        figures = call().flatten()[:CHECKED].tolist()
    ready.update(call=call, calls=calls_for(call, q["seconds"]))
    return {"figures": figures, "variant": variant}


def chunk(_):
    return {"seconds": seconds(ready["call"], ready["calls"]) / ready["calls"]}


def about(_):
    with open("/proc/self/maps") as maps:
        blas = sorted({line.split()[-1] for line in maps if "libopenblas" in line})
    return {"version": torch.__version__, "blas": blas}


REQUESTS = {"prepare": prepare, "chunk": chunk, "about": about}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = REQUESTS[request["call"]](request)
    except Exception as trouble:  # the driver says it, whatever it is
        answer = {"error": "%s: %s" % (type(trouble).__name__, trouble)}
    print(json.dumps(answer), flush=True)
