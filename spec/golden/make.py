#!/usr/bin/python3
"""Writes the golden values of spec/golden from PyTorch 1.13 (Debian's python3-torch).

    /usr/bin/python3 spec/golden/make.py        rewrites operations.json, layers.json and
                                                optimizers.json

Each entry of operations.json is one call: arguments, outputs, and gradients of L = sum(v * output),
where v is the fixed pattern `seed_pattern` that golden.lua computes too. Float inputs are
multiples of 1/1024, so float32 and float64 runs see the same numbers. Positions are written as
PyTorch has them, from 0: {"axis": k} and {"index": ...} mark them, and golden_spec.lua adds the 1.
"""
import json
import math
import os
import zlib

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- arguments -----------------------------------------------------------------------------------
class Float:
    """A float tensor: uniform in [low, high], or the given values; differentiated unless told not."""

    def __init__(self, *shape, low=-2.0, high=2.0, values=None, grad=True, distinct=False):
        self.shape, self.low, self.high, self.grad = shape, low, high, grad
        self.values, self.distinct = values, distinct

    def draw(self, random):
        if self.values is not None:
            return np.array(self.values, dtype=np.float64)
        count = int(np.prod(self.shape))
        if self.distinct:
            flat = self.low + (self.high - self.low) * (random.permutation(count) + 0.5) / count
        else:
            flat = random.uniform(self.low, self.high, count)
        return (np.round(flat * 1024) / 1024).reshape(self.shape)


class Index:
    """An int64 tensor of positions from 0 below `count`."""

    def __init__(self, shape, count, values=None):
        self.shape, self.count, self.values = shape, count, values

    def draw(self, random):
        if self.values is not None:
            return np.array(self.values, dtype=np.int64)
        return random.randint(0, self.count, self.shape).astype(np.int64)


class Mask:
    """A uint8 tensor of 0 and 1; torch sees booleans."""

    def __init__(self, *shape):
        self.shape = shape

    def draw(self, random):
        return (random.uniform(size=self.shape) < 0.5).astype(np.uint8)


class Integers:
    """An int64 tensor of plain numbers, not positions."""

    def __init__(self, *shape, low=-5, high=6):
        self.shape, self.low, self.high = shape, low, high

    def draw(self, random):
        return random.randint(self.low, self.high, self.shape).astype(np.int64)


class Axis:
    """An axis (or a list of axes) as PyTorch counts it."""

    def __init__(self, axis):
        self.axis = axis


CASES = []


def case(call, f, *args, name="", options=None, positions=(), tolerance=None, reason=None):
    """f(*args as torch values) -> tensor or tuple. positions: outputs that hold positions."""
    assert (tolerance is None) == (reason is None), call
    CASES.append(dict(call=call, name=name, f=f, args=args, options=options or {},
                      positions=positions, tolerance=tolerance, reason=reason))


# ---- the cases -----------------------------------------------------------------------------------
def unary():
    plain = dict(
        neg=torch.neg, abs=torch.abs, exp=torch.exp, expm1=torch.expm1, sin=torch.sin, cos=torch.cos,
        tanh=torch.tanh, sigmoid=torch.sigmoid, erf=torch.erf, square=torch.square, sign=torch.sign,
        relu=F.relu, silu=F.silu, softplus=F.softplus, floor=torch.floor, ceil=torch.ceil,
        round=torch.round, trunc=torch.trunc, sinh=torch.sinh, cosh=torch.cosh, atan=torch.atan,
        log_sigmoid=F.logsigmoid, relu6=F.relu6, selu=F.selu, celu=F.celu, softsign=F.softsign,
        mish=F.mish, hard_tanh=F.hardtanh, hard_swish=F.hardswish,
        hard_sigmoid=lambda x: F.relu6(x + 3) / 6)  # F.hardsigmoid's slope is a float32's 1/6
    for name, f in plain.items():
        case(name, f, Float(3, 7, low=-4, high=4))
    positive = dict(log=torch.log, log1p=torch.log1p, sqrt=torch.sqrt, rsqrt=torch.rsqrt,
                    reciprocal=torch.reciprocal)
    for name, f in positive.items():
        case(name, f, Float(3, 7, low=0.1, high=5))
    for name, f in dict(log2=torch.log2, log10=torch.log10).items():
        case(name, f, Float(3, 7, low=0.1, high=5))
    for name, f in dict(asin=torch.asin, acos=torch.acos).items():
        case(name, f, Float(3, 7, low=-0.9, high=0.9))
    case("sine", lambda x: torch.sin(3 * x), Float(3, 7), 3, name="omega")
    case("softplus", lambda x: F.softplus(x, 2.5), Float(3, 7), 2.5, name="beta")
    case("elu", lambda x: F.elu(x, 0.7), Float(3, 7), 0.7, name="alpha")
    case("celu", lambda x: F.celu(x, 0.5), Float(3, 7), 0.5, name="alpha")
    case("leaky_relu", lambda x: F.leaky_relu(x, 0.2), Float(3, 7), 0.2, name="slope")
    special = Float(values=[math.nan, math.inf, -math.inf, 0.0, 1.5], grad=False)
    for name in ("isnan", "isinf", "isfinite"):
        case(name, getattr(torch, name), special)
    case("tan", torch.tan, Float(9, low=-1.2, high=1.2))
    case("gelu", F.gelu, Float(3, 7, low=-4, high=4))
    case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), Float(3, 7, low=-4, high=4))
    case("leaky_relu", F.leaky_relu, Float(3, 7))
    case("elu", F.elu, Float(3, 7))
    case("clamp", lambda x: torch.clamp(x, -0.7, 0.9), Float(3, 7), -0.7, 0.9)
    huge = [-1e4, -200.0, -90.0, -20.0, 0.0, 20.0, 90.0, 200.0, 1e4]
    for name, f in dict(sigmoid=torch.sigmoid, tanh=torch.tanh, softplus=F.softplus, silu=F.silu,
                        gelu=F.gelu, elu=F.elu, selu=F.selu, celu=F.celu, mish=F.mish,
                        softsign=F.softsign).items():
        case(name, f, Float(values=huge), name="far out")


def binary():
    shapes = [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 4), (3, 1)), ((3, 4), ()), ((1,), (2, 3))]
    for a, b in shapes:
        name = f"{a} {b}"
        case("add", torch.add, Float(*a), Float(*b), name=name)
        case("sub", torch.sub, Float(*a), Float(*b), name=name)
        case("mul", torch.mul, Float(*a), Float(*b), name=name)
        case("div", torch.div, Float(*a), Float(*b, low=0.5), name=name)
        case("pow", torch.pow, Float(*a, low=0.2), Float(*b), name=name)
        case("maximum", torch.maximum, Float(*a), Float(*b), name=name)
        case("minimum", torch.minimum, Float(*a), Float(*b), name=name)
    case("atan2", torch.atan2, Float(3, 4), Float(4))
    for name, f in dict(floor_divide=lambda a, b: torch.div(a, b, rounding_mode="floor"),
                        remainder=torch.remainder).items():
        case(name, f, Float(3, 4, low=-5, high=5), Float(3, 4, low=0.5, high=2, grad=False))
        case(name, f, Integers(3, 5), Integers(5, low=1), name="integers")
        case(name, f, Integers(3, 5), Integers(5, low=-6, high=0), name="negative integers")
    for name in ("logical_and", "logical_or", "logical_xor"):
        case(name, getattr(torch, name), Mask(3, 4), Mask(4))
    case("pow", lambda x: torch.pow(x, 3), Float(3, 4), 3, name="cube")
    case("pow", lambda x: torch.pow(x, 0.5), Float(3, 4, low=0.1), 0.5, name="root")
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        f = getattr(torch, name)
        a = Float(2, 4, values=[[1, 2, 3, 4], [1, 1, 1, 1]], grad=False)
        b = Float(4, values=[1, 3, 2, 4], grad=False)
        case(name, lambda x, y, f=f: f(x, y), a, b)
    case("where", lambda m, a, b: torch.where(m, a, b), Mask(3, 4), Float(3, 4), Float(4))
    case("masked_fill", lambda x, m: x.masked_fill(m, -7.0), Float(3, 4), Mask(3, 4), -7.0)


def reductions():
    for name, f in dict(sum=torch.sum, mean=torch.mean).items():
        case(name, f, Float(3, 5), name="all")
        case(name, lambda x, f=f: f(x, 0), Float(3, 5), Axis(0), name="rows")
        case(name, lambda x, f=f: f(x, -1), Float(3, 5), Axis(-1), name="last")
        case(name, lambda x, f=f: f(x, (0, 2), keepdim=True), Float(2, 3, 4), Axis((0, 2)), True,
             name="two axes kept")
    case("prod", torch.prod, Float(7, low=0.5), name="all")
    case("prod", lambda x: torch.prod(x, 1), Float(3, 4, low=0.5), Axis(1), name="last")
    case("var", torch.var, Float(3, 5), name="all")
    case("var", lambda x: torch.var(x, 1), Float(3, 5), Axis(1), name="last")
    case("var", lambda x: torch.var(x, 0, unbiased=False), Float(4, 3), Axis(0),
         options=dict(correction=0), name="population")
    case("std", lambda x: torch.std(x, -1, keepdim=True), Float(3, 5), Axis(-1), True, name="kept")
    for name in ("max", "min"):
        f = getattr(torch, name)
        case(name, f, Float(3, 5, distinct=True), name="all")
        case(name, lambda x, f=f: f(x, 1), Float(3, 5, distinct=True), Axis(1), name="last",
             positions=(1,))
        case(name, lambda x, f=f: f(x, 0, keepdim=True), Float(3, 5, distinct=True), Axis(0), True,
             name="rows kept", positions=(1,))
    for name in ("amax", "amin"):
        f = getattr(torch, name)
        case(name, lambda x, f=f: f(x, (0, 2)), Float(2, 3, 4, distinct=True), Axis((0, 2)))
    case("count_nonzero", lambda x: torch.count_nonzero(x, 1), Mask(3, 5), Axis(1))
    for name in ("argmax", "argmin"):
        f = getattr(torch, name)
        case(name, f, Float(3, 5, distinct=True), name="all", positions=(0,))
        case(name, lambda x, f=f: f(x, 1), Float(3, 5, distinct=True), Axis(1), name="last",
             positions=(0,))
        case(name, lambda x, f=f: f(x, 0), Float(3, 5, distinct=True), Axis(0), name="rows",
             positions=(0,))
    case("logsumexp", lambda x: torch.logsumexp(x, 1), Float(3, 5), Axis(1))
    case("logsumexp", lambda x: torch.logsumexp(x, 1), Float(values=[[1e4, -1e4, 9999.0]]), Axis(1),
         name="far out", tolerance=3e-4,
         reason="PyTorch's slope e^(x - y) carries the rounding of y = 1e4; ours is normalised")
    case("cumsum", lambda x: torch.cumsum(x, 1), Float(3, 5), Axis(1), name="last")
    case("cumsum", lambda x: torch.cumsum(x, 0), Float(3, 5), Axis(0), name="rows")
    case("cumprod", lambda x: torch.cumprod(x, 1), Float(3, 5, low=0.5), Axis(1))
    case("sort", lambda x: torch.sort(x, 1), Float(3, 5, distinct=True), Axis(1), positions=(1,))
    case("sort", lambda x: torch.sort(x, 0, descending=True), Float(4, 3, distinct=True), Axis(0),
         name="descending", options=dict(descending=True), positions=(1,))
    case("argsort", lambda x: torch.argsort(x, 1), Float(3, 5, distinct=True), Axis(1),
         positions=(0,))
    case("topk", lambda x: torch.topk(x, 2, 1), Float(3, 5, distinct=True), 2, Axis(1),
         positions=(1,))
    case("topk", lambda x: torch.topk(x, 2, 0, largest=False), Float(4, 3, distinct=True), 2,
         Axis(0), options=dict(largest=False), name="smallest", positions=(1,))
    case("norm", torch.norm, Float(3, 5))
    case("all", torch.all, Mask(2, 3))
    case("any", torch.any, Mask(2, 3))


def movement():
    case("reshape", lambda x: x.reshape(2, -1), Float(3, 4), 2, -1)
    case("transpose", lambda x: x.transpose(0, 2), Float(2, 3, 4), Axis(0), Axis(2))
    case("permute", lambda x: x.permute(2, 0, 1), Float(2, 3, 4), Axis((2, 0, 1)))
    case("expand", lambda x: x.expand(2, 3, 4), Float(3, 1), 2, 3, 4)
    case("unsqueeze", lambda x: x.unsqueeze(1), Float(2, 3), Axis(1))
    case("squeeze", lambda x: x.squeeze(1), Float(2, 1, 3), Axis(1))
    case("flip", lambda x: x.flip(1), Float(2, 3), Axis(1))
    case("cat", lambda a: torch.cat(a, 1), [Float(2, 3), Float(2, 1), Float(2, 2)], Axis(1))
    case("stack", lambda a: torch.stack(a, 1), [Float(2, 3), Float(2, 3)], Axis(1))
    case("index_select", lambda x, i: x.index_select(1, i), Float(3, 4), Axis(1),
         Index((6,), 4))
    case("gather", lambda x, i: x.gather(1, i), Float(3, 4), Axis(1), Index((3, 2), 4))
    case("gather", lambda x, i: x.gather(0, i), Float(3, 4), Axis(0), Index((2, 4), 3),
         name="rows")
    case("scatter_add", lambda x, i, s: x.scatter_add(1, i, s), Float(3, 4), Axis(1),
         Index((3, 5), 4), Float(3, 5))
    case("flatten", lambda x: x.flatten(1, 2), Float(2, 3, 4), Axis(1), Axis(2))
    case("diagonal", lambda x: x.diagonal(1), Float(3, 4), 1)
    case("roll", lambda x: x.roll(2, 1), Float(3, 5), 2, Axis(1))
    case("select", lambda x: x.select(1, 2), Float(3, 5), Axis(1), Axis(2))
    case("slice", lambda x: x[:, 1:4], Float(3, 5), Axis(1), 2, 4)
    case("slice", lambda x: x[:, 0:5:2], Float(3, 5), Axis(1), 1, 5, 2, name="step")
    case("index_add", lambda x, i, s: x.index_add(1, i, s), Float(3, 4), Axis(1), Index((5,), 4),
         Float(3, 5))
    case("index_copy", lambda x, i, s: x.index_copy(1, i, s), Float(3, 4), Axis(1),
         Index((2,), 4, values=[3, 1]), Float(3, 2))
    case("scatter", lambda x, i, s: x.scatter(1, i, s), Float(3, 4), Axis(1),
         Index((3, 2), 4, values=[[0, 3], [2, 1], [1, 0]]), Float(3, 2))
    case("masked_select", lambda x, m: x.masked_select(m), Float(3, 4), Mask(3, 4))
    case("nonzero", torch.nonzero, Mask(3, 4), positions=(0,))
    case("tril", torch.tril, Float(3, 4))
    case("triu", torch.triu, Float(3, 4))
    case("one_hot", lambda i: F.one_hot(i, 4).float(), Index((5,), 4), 4)


def products():
    shapes = [((3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (3, 4, 2)), ((3, 4), (4,)),
              ((4,), (4, 5)), ((4,), (4,)), ((1, 1), (1, 1)), ((17, 33), (33, 19)),
              ((2, 3, 4), (4, 5)), ((2, 3, 4), (4,))]
    for a, b in shapes:
        case("matmul", torch.matmul, Float(*a), Float(*b), name=f"{a} {b}")
    case("linear", F.linear, Float(5, 3), Float(4, 3), Float(4), name="bias")
    case("linear", F.linear, Float(5, 3), Float(4, 3), name="no bias")
    case("linear", F.linear, Float(2, 3, 4), Float(5, 4), Float(5), name="leading axes")
    case("linear", F.linear, Float(4), Float(5, 4), Float(5), name="one row")
    activations = dict(
        relu=F.relu, tanh=torch.tanh, sigmoid=torch.sigmoid, gelu=F.gelu, silu=F.silu,
        gelu_tanh=lambda x: F.gelu(x, approximate="tanh"), softplus=F.softplus,
        leaky_relu=F.leaky_relu, elu=F.elu, sine=torch.sin)
    for name, f in activations.items():
        case("linear", lambda x, w, b, f=f: f(F.linear(x, w, b)), Float(6, 3), Float(4, 3), Float(4),
             options=dict(activation=name), name=name)


def networks():
    case("softmax", lambda x: F.softmax(x, -1), Float(3, 5), Axis(-1))
    case("softmax", lambda x: F.softmax(x, 0), Float(3, 5), Axis(0), name="rows")
    case("softmax", lambda x: F.softmax(x, -1), Float(values=[[1e4, -1e4, 0.0], [1e4, 1e4, 1e4]]),
         Axis(-1), name="far out")
    case("log_softmax", lambda x: F.log_softmax(x, -1), Float(3, 5), Axis(-1))
    case("log_softmax", lambda x: F.log_softmax(x, -1), Float(values=[[1e4, -1e4, 0.0]]), Axis(-1),
         name="far out")
    case("layer_norm", lambda x, w, b: F.layer_norm(x, (6,), w, b), Float(4, 6), Float(6), Float(6))
    case("layer_norm", lambda x: F.layer_norm(x, (6,)), Float(2, 3, 6), name="plain")
    case("layer_norm", lambda x, w, b: F.layer_norm(x, (6,), w, b, eps=0.1), Float(4, 6), Float(6),
         Float(6), options=dict(eps=0.1), name="eps")
    case("rms_norm", lambda x, w: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * w,
         Float(4, 6), Float(6))
    case("prelu", F.prelu, Float(4, 3), Float(3), name="columns")
    case("prelu", F.prelu, Float(4, 3), Float(1), name="one")
    case("glu", F.glu, Float(4, 6))
    case("glu", lambda x: F.glu(x, 0), Float(4, 3), Axis(0), name="rows")
    for name, f in dict(reglu=F.relu, geglu=F.gelu, swiglu=F.silu).items():
        case(name, lambda x, f=f: x[:, :3] * f(x[:, 3:]), Float(4, 6))
    case("maxout", lambda x: x.reshape(4, 2, 3).amax(-1), Float(4, 6, distinct=True), 3)
    case("embedding", lambda w, i: F.embedding(i, w), Float(7, 3), Index((2, 5), 7))


def reduced(each, reduction):
    return each if reduction == "none" else getattr(each, reduction)()


def focal(x, classes, gamma):
    p = F.softmax(x, -1).gather(1, classes[:, None])[:, 0]
    return -(1 - p) ** gamma * p.log()


def binary_focal(x, t, gamma, alpha):
    p = torch.sigmoid(x)
    q = p * t + (1 - p) * (1 - t)
    weight = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    return weight * (1 - q) ** gamma * F.binary_cross_entropy_with_logits(x, t, reduction="none")


def margins_and_likelihoods(r):
    """Where PyTorch 1.13 has no such function, its definition in PyTorch's operations."""
    options, x, y = dict(reduction=r), Float(4, 3, low=-4, high=4), Float(4, 3)
    sides = Float(values=[[1, -1, 1], [-1, -1, 1]], grad=False)
    case("loss.log_cosh", lambda a, b: reduced(torch.log(torch.cosh(a - b)), r), x, y,
         options=options, name=r)
    case("loss.hinge", lambda a, t: reduced(F.relu(1 - a * t), r), Float(2, 3), sides,
         options=options, name=r)
    case("loss.hinge", lambda a, t: reduced(F.relu(0.5 - a * t) ** 2, r), Float(2, 3), sides,
         options=dict(options, margin=0.5, squared=True), name=r + " squared")
    weight = Float(values=[0.5, 1.0, 2.0, 0.25, 1.5], grad=False)
    for p in (1, 2):
        case("loss.multi_margin", lambda a, c, p=p: F.multi_margin_loss(a, c, p=p, reduction=r),
             Float(6, 5), Index((6,), 5), options=dict(options, power=p), name=f"{r} {p}")
    case("loss.multi_margin",
         lambda a, c, w: F.multi_margin_loss(a, c, margin=0.3, weight=w, reduction=r), Float(6, 5),
         Index((6,), 5), options=dict(options, margin=0.3, weight=weight), name=r + " weight")
    case("loss.cosine", lambda a, b: F.cosine_embedding_loss(a, b, torch.ones(4), reduction=r),
         x, y, options=options, name=r)
    case("loss.cosine",
         lambda a, b, m: F.cosine_embedding_loss(a, b, 2 * m - 1.0, margin=0.1, reduction=r),
         Float(6, 3), Float(6, 3), options=dict(options, same=Mask(6), margin=0.1), name=r + " same")
    case("loss.focal", lambda a, c: reduced(focal(a, c, 2), r), Float(6, 5), Index((6,), 5),
         options=options, name=r)
    case("loss.focal", lambda a, c: reduced(focal(a, c, 0.5), r), Float(6, 5), Index((6,), 5),
         options=dict(options, gamma=0.5), name=r + " gamma")
    case("loss.binary_focal", lambda a, t: reduced(binary_focal(a, t, 2, None), r), x,
         Float(4, 3, low=0, high=1, grad=False), options=options, name=r)
    case("loss.binary_focal", lambda a, t: reduced(binary_focal(a, t, 1.5, 0.25), r), x,
         Float(4, 3, low=0, high=1, grad=False), options=dict(options, gamma=1.5, alpha=0.25),
         name=r + " alpha")
    counts, rates = Float(4, 3, low=0, high=5), Float(4, 3, low=0.1, high=5)
    case("loss.poisson_nll", lambda a, t: F.poisson_nll_loss(a, t, reduction=r), x, counts,
         options=options, name=r)
    case("loss.poisson_nll",
         lambda a, t: F.poisson_nll_loss(a, t, log_input=False, full=True, reduction=r), rates,
         Float(4, 3, low=0, high=5, grad=False), options=dict(options, log_input=False, full=True),
         name=r + " full")
    for shape in ((4, 3), (4, 1)):
        case("loss.gaussian_nll", lambda a, t, v: F.gaussian_nll_loss(a, t, v, reduction=r), x, y,
             Float(*shape, low=0.1), options=options, name=f"{r} {shape}")
    case("loss.gaussian_nll",
         lambda a, t, v: F.gaussian_nll_loss(a, t, v, full=True, eps=0.5, reduction=r), x, y,
         Float(4, 3, low=0.1), options=dict(options, full=True, eps=0.5), name=r + " eps")
    for p, swap in ((2, False), (1, False), (2, True)):
        case("loss.triplet", lambda a, b, c, p=p, swap=swap: F.triplet_margin_loss(
            a, b, c, p=p, swap=swap, reduction=r), Float(4, 3), Float(4, 3), Float(4, 3),
            options=dict(options, p=p, swap=swap), name=f"{r} {p} {swap}")
    case("loss.relative_l2",
         lambda a, b: reduced((a - b) ** 2 / (a.detach() ** 2 + 0.01), r), x, y, options=options,
         name=r)


def losses():
    regression = dict(
        mse=F.mse_loss, l1=F.l1_loss,
        huber=lambda x, y, reduction: F.huber_loss(x, y, reduction=reduction, delta=1.0),
        bce_with_logits=F.binary_cross_entropy_with_logits)
    for reduction in ("mean", "sum", "none"):
        options = dict(reduction=reduction)
        for name, f in regression.items():
            target = Float(4, 3, low=0, high=1) if name == "bce_with_logits" else Float(4, 3)
            case("loss." + name, lambda x, y, f=f, r=reduction: f(x, y, reduction=r),
                 Float(4, 3, low=-4, high=4), target, options=options, name=reduction)
        case("loss.huber", lambda x, y, r=reduction: F.huber_loss(x, y, reduction=r, delta=0.3),
             Float(4, 3), Float(4, 3), options=dict(options, delta=0.3), name=reduction + " delta")
        case("loss.cross_entropy", lambda x, c, r=reduction: F.cross_entropy(x, c, reduction=r),
             Float(6, 5), Index((6,), 5), options=options, name=reduction)
        case("loss.cross_entropy",
             lambda x, c, r=reduction: F.cross_entropy(x, c, reduction=r, label_smoothing=0.1),
             Float(6, 5), Index((6,), 5), options=dict(options, label_smoothing=0.1),
             name=reduction + " smoothing")
        weight = Float(values=[0.5, 1.0, 2.0, 0.25, 1.5], grad=False)
        case("loss.cross_entropy",
             lambda x, c, w, r=reduction: F.cross_entropy(x, c, w, reduction=r), Float(6, 5),
             Index((6,), 5), options=dict(options, weight=weight), name=reduction + " weight")
        case("loss.cross_entropy",
             lambda x, c, w, r=reduction: F.cross_entropy(x, c, w, reduction=r, label_smoothing=0.2),
             Float(6, 5), Index((6,), 5), options=dict(options, weight=weight, label_smoothing=0.2),
             name=reduction + " weight smoothing")
        case("loss.cross_entropy",
             lambda x, p, r=reduction: F.cross_entropy(x, p, reduction=r), Float(4, 5),
             Float(4, 5, low=0, high=1, grad=False), options=options,
             name=reduction + " probabilities")
        if reduction != "none":
            case("loss.cross_entropy",
                 lambda x, c, m, r=reduction: F.cross_entropy(x[m], c[m], reduction=r), Float(6, 5),
                 Index((6,), 5), options=dict(options, mask=Mask(6)), name=reduction + " mask")
        case("loss.nll", lambda x, c, r=reduction: F.nll_loss(x, c, reduction=r), Float(6, 5),
             Index((6,), 5), options=options, name=reduction)
        case("loss.nll", lambda x, c, w, r=reduction: F.nll_loss(x, c, w, reduction=r), Float(6, 5),
             Index((6,), 5), options=dict(options, weight=weight), name=reduction + " weight")
        case("loss.kl_div", lambda x, p, r=reduction: F.kl_div(x, p, reduction=r),
             Float(4, 5, low=-3, high=-0.1), Float(4, 5, low=0.01, high=1, grad=False),
             options=options, name=reduction)
        margins_and_likelihoods(reduction)
    case("loss.kl_div", lambda x, p: F.kl_div(x, p, reduction="batchmean"),
         Float(4, 5, low=-3, high=-0.1), Float(4, 5, low=0.01, high=1, grad=False),
         options=dict(reduction="batchmean"), name="batchmean")
    case("loss.cross_entropy", F.cross_entropy, Float(values=[[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]]),
         Index((2,), 3, values=[1, 2]), name="far out")
    case("loss.bce_with_logits", F.binary_cross_entropy_with_logits,
         Float(values=[1e4, -1e4, 1e4, -1e4, 0.0]), Float(values=[0, 1, 1, 0, 0.5], grad=False),
         name="far out")


# ---- running and writing -------------------------------------------------------------------------
def seed_pattern(count):
    """v: multiples of 1/8 in [-1, 1], not symmetric; golden.lua has the same line."""
    return [((37 * i + 11) % 17 - 8) / 8 for i in range(1, count + 1)]


def number(x):
    x = float(x)
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return int(x) if x == int(x) and abs(x) < 1e15 else x


def upright(vectors):
    """Signs (..., 1, k) that make the largest element of every column positive."""
    largest = vectors.abs().argmax(-2, keepdim=True)
    return vectors.gather(-2, largest).sign().detach()


def svd(a):
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    sign = upright(u)
    return u * sign, s, vh * sign.mT


def eigh(a):
    w, v = torch.linalg.eigh((a + a.mT) / 2)
    return w, v * upright(v)


def qr(a):
    q, r = torch.linalg.qr(a)
    sign = r.diagonal(dim1=-2, dim2=-1).sign().detach()
    return q * sign.unsqueeze(-2), r * sign.unsqueeze(-1)


def linear_algebra():
    la = torch.linalg
    tall = Float(values=[[3, -1], [0.5, 2], [-1.25, 0.75], [0.25, 1]])
    wide = Float(values=[[3, 0.5, -1, 0.25], [-1, 2, 0.75, 1]])
    even = Float(values=[[[4, 1, -0.5], [0.25, 3, 0.75], [1, -1, 2]],
                         [[-2, 0.5, 1], [1.5, 5, -1], [0.25, 0.5, 3]]])
    gram = Float(values=[[4, 1, -0.5], [1, 3, 0.75], [-0.5, 0.75, 2]])
    for name, a in dict(tall=tall, wide=wide, even=even).items():
        case("linalg.svd", svd, a, name=name)
        case("linalg.qr", qr, a, name=name)
        case("linalg.pinv", la.pinv, a, name=name)
        case("linalg.matrix_rank", la.matrix_rank, a, name=name)
    case("linalg.eigh", eigh, even)
    case("linalg.cholesky", la.cholesky, gram)
    for name in ("inv", "det", "slogdet"):
        case("linalg." + name, getattr(la, name), even)
    case("linalg.solve", la.solve, even, Float(2, 3, 2))
    case("linalg.solve", la.solve, gram, Float(3), name="vector")
    case("linalg.lstsq", lambda a, b: la.lstsq(a, b).solution, tall, Float(4, 3))
    numbers = Float(3, 4, distinct=True)
    case("linalg.norm", la.norm, numbers, name="of all")
    for ord in ("fro", "nuc", 1, -1, 2, -2):
        case("linalg.norm", lambda a, ord=ord: la.norm(a, ord), numbers, name="%s" % ord,
             options={"ord": ord})
    for ord in (0, 1, 2, 3, 0.5):
        case("linalg.norm", lambda a, ord=ord: la.norm(a, ord, 1, True), numbers,
             name="%s of vectors" % ord,
             options={"ord": ord, "axes": Axis(1), "keepdim": True})
    case("linalg.norm", lambda a: la.norm(a, "nuc", (2, 0)), Float(3, 2, 4), name="of matrices",
         options={"ord": "nuc", "axes": Axis([2, 0])})


def pairs():
    x, y = Float(4, 3), Float(4, 3)
    case("lerp", torch.lerp, x, y, Float(4, 3, low=0, high=1))
    case("tile", lambda t: t.repeat(2, 1, 3), Float(4, 3), 2, 1, 3)
    case("outer", torch.outer, Float(4), Float(3))
    case("cross", torch.cross, x, y)
    case("cdist", torch.cdist, Float(5, 3), y)
    case("cdist", torch.cdist, Float(6, 30), Float(5, 30), name="of many coordinates")
    for p in (1, 3):
        case("cdist", lambda a, b, p=p: torch.cdist(a, b, p), Float(5, 3), y, name="p = %d" % p,
             options={"p": p})
    case("searchsorted", torch.searchsorted, Float(values=[-1, 0, 0, 0.5, 2], grad=False),
         Float(7, grad=False), positions=(0,))
    case("unique", lambda t: torch.unique(t, return_inverse=True, return_counts=True),
         Integers(4, 5), positions=(1,))
    equations = {"ij,jk->ik": ((2, 3), (3, 4)), "bij,bkj->bik": ((2, 3, 4), (2, 5, 4)),
                 "ii->i": ((3, 3),), "ij->": ((2, 3),), "i,j": ((2,), (3,)),
                 "...ij,...jk->...ik": ((2, 3, 4), (4, 2)), "ij,jk,kl->li": ((2, 3), (3, 4), (4, 2)),
                 "abc,cd,bd->a": ((2, 3, 4), (4, 5), (3, 5)), "ba": ((2, 3),)}
    for equation, shapes in equations.items():
        case("einsum", lambda *t, equation=equation: torch.einsum(equation, *t), equation,
             *[Float(*s) for s in shapes], name=equation)


def flat(t, dtype):
    values = t.detach().reshape(-1)
    if dtype == torch.float32 and values.is_floating_point():
        return [number(np.format_float_positional(v, unique=True) if np.isfinite(v) else v)
                for v in values.numpy().astype(np.float32)]
    return [number(v) for v in values.tolist()]


def written(t, dtype):
    return {"shape": list(t.shape), "data": flat(t, dtype)}


def encode(arg, drawn):
    """What golden_spec.lua reads for one argument; drawn is its numpy array, if it is a tensor."""
    if isinstance(arg, list):
        return {"list": [encode(a, d) for a, d in zip(arg, drawn)]}
    if isinstance(arg, Axis):
        return {"axis": arg.axis}
    if drawn is None:
        return arg
    kind = {Float: "float", Index: "index", Mask: "mask", Integers: "integers"}[type(arg)]
    body = {kind: {"shape": list(drawn.shape), "data": [number(x) for x in drawn.reshape(-1)]}}
    if kind == "float" and arg.grad:
        body["grad"] = True
    return body


def draw(arg, random):
    if isinstance(arg, list):
        return [draw(a, random) for a in arg]
    return arg.draw(random) if hasattr(arg, "draw") else None


def tensor(arg, drawn, dtype, leaves):
    if isinstance(arg, list):
        return [tensor(a, d, dtype, leaves) for a, d in zip(arg, drawn)]
    if isinstance(arg, Mask):
        return torch.tensor(drawn).bool()
    if not isinstance(arg, Float):
        return torch.tensor(drawn)
    t = torch.tensor(drawn, dtype=dtype)
    if arg.grad:
        t.requires_grad_()
        leaves.append(t)
    return t


def run(c, drawn, dtype):
    leaves = []
    every = list(c["args"]) + [v for v in c["options"].values() if hasattr(v, "draw")]
    values = [tensor(a, d, dtype, leaves) for a, d in zip(every, drawn) if d is not None]
    outputs = c["f"](*values)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    total = sum((o.reshape(-1) * torch.tensor(seed_pattern(o.numel()), dtype=dtype)).sum()
                for o in outputs if o.requires_grad)
    grads = []
    if isinstance(total, torch.Tensor):
        grads = torch.autograd.grad(total, leaves, allow_unused=True)
        grads = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, leaves)]
    return {"outputs": [written(o, dtype) for o in outputs],
            "gradients": [written(g, dtype) for g in grads]}


def operation(c):
    random = np.random.RandomState(zlib.crc32((c["call"] + c["name"]).encode()))
    tensor_options = {k: v for k, v in c["options"].items() if hasattr(v, "draw")}
    drawn = [draw(a, random) for a in c["args"]]
    drawn_options = {k: draw(v, random) for k, v in tensor_options.items()}
    entry = {"call": c["call"], "name": c["name"],
             "args": [encode(a, d) for a, d in zip(c["args"], drawn)]}
    if c["options"]:
        entry["options"] = {k: encode(v, drawn_options.get(k)) for k, v in c["options"].items()}
    if c["positions"]:
        entry["positions"] = [p + 1 for p in c["positions"]]  # which outputs: a place in a Lua list
    if c["tolerance"]:
        entry["tolerance"], entry["reason"] = c["tolerance"], c["reason"]
    everything = drawn + list(drawn_options.values())
    for label, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        entry[label] = run(c, everything, dtype)
    return entry


# ---- layers --------------------------------------------------------------------------------------
def layers():
    """(class, label, arguments, module, {our name: PyTorch's}, input shapes, options)"""
    norm = dict(weight="weight", bias="bias", running_mean="running_mean",
                running_var="running_var", num_batches_tracked="num_batches_tracked")
    affine = dict(weight="weight", bias="bias")
    N, inner = torch.nn, {"class": "Linear", "arguments": [3, 4]}
    batch = lambda label, shape, options, **settings: (
        "BatchNorm", label, [3, settings.pop("ours", {})], N.BatchNorm1d(3, **settings), norm, [shape],
        options)
    turned = lambda m, x: m(x.transpose(1, 2)).transpose(1, 2)
    return [
        batch("training", (6, 3), dict(passes=3)),
        batch("evaluation", (6, 3), dict(passes=2, evaluate=True)),
        batch("tokens", (2, 4, 3), dict(passes=2, forward=turned)),
        batch("settings", (6, 3), dict(passes=2), eps=0.1, momentum=0.3,
              ours={"eps": 0.1, "momentum": 0.3}),
        batch("all batches alike", (6, 3), dict(passes=3), momentum=None,
              ours={"momentum": "cumulative"}),
        ("GroupNorm", "two groups", [2, 6], N.GroupNorm(2, 6), affine, [(5, 6)], {}),
        ("Bilinear", "with bias", [3, 2, 4], N.Bilinear(3, 2, 4), affine, [(5, 3), (5, 2)], {}),
        ("PReLU", "one slope", [], N.PReLU(), dict(weight="weight"), [(5, 3)], {}),
        ("PReLU", "a slope per column", [3], N.PReLU(3), dict(weight="weight"), [(5, 3)], {}),
        ("WeightNorm", "of a linear layer", [inner], N.utils.weight_norm(N.Linear(3, 4)),
         {"inner.weight": "weight_v", "inner.bias": "bias", "magnitude": "weight_g"}, [(5, 3)], {}),
        ("SpectralNorm", "of a linear layer", [inner], N.utils.spectral_norm(N.Linear(3, 4)),
         {"inner.weight": "weight_orig", "inner.bias": "bias", "u": "weight_u", "v": "weight_v"},
         [(5, 3)], dict(passes=3)),
    ]


def layer(name, label, arguments, module, names, shapes, options):
    """A few forward passes, the last with gradients; the state before and after."""
    random = np.random.RandomState(zlib.crc32((name + label).encode()))
    passes = options.get("passes", 1)
    inputs = [[Float(*s).draw(random) for s in shapes] for _ in range(passes)]
    start = {k: v.clone() for k, v in module.state_dict().items()}
    for k, v in start.items():
        if v.is_floating_point():
            v.copy_(torch.tensor(np.round(random.uniform(0.25, 2, v.shape) * 1024) / 1024))
    forward = options.get("forward", lambda m, *x: m(*x))
    plain = lambda array: {"shape": list(array.shape), "data": array.reshape(-1).tolist()}
    entry = {"layer": name, "name": label, "arguments": arguments, "passes": passes,
             "evaluate": options.get("evaluate", False),
             "inputs": [[plain(x) for x in one] for one in inputs],
             "state": {ours: plain(start[k].numpy()) for ours, k in names.items()}}
    for text, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        module.to(dtype).load_state_dict({k: v.to(dtype) if v.is_floating_point() else v
                                          for k, v in start.items()})
        for i, one in enumerate(inputs):
            module.train(not (entry["evaluate"] and i == passes - 1))
            x = [torch.tensor(a, dtype=dtype, requires_grad=True) for a in one]
            y = forward(module, *x)
        weights = {ours: dict(module.named_parameters())[k] for ours, k in names.items()
                   if k in dict(module.named_parameters())}
        total = (y.reshape(-1) * torch.tensor(seed_pattern(y.numel()), dtype=dtype)).sum()
        grads = torch.autograd.grad(total, x + list(weights.values()))
        entry[text] = {"output": written(y, dtype),
                       "input_gradients": [written(g, dtype) for g in grads[:len(x)]],
                       "gradients": dict(zip(weights, [written(g, dtype) for g in grads[len(x):]])),
                       "after": {ours: written(module.state_dict()[k], dtype)
                                 for ours, k in names.items()}}
    return entry


# ---- optimizers ----------------------------------------------------------------------------------
OPTIMIZERS = [
    ("SGD", "plain", torch.optim.SGD, dict(lr=0.1)),
    ("SGD", "momentum", torch.optim.SGD, dict(lr=0.05, momentum=0.9)),
    ("SGD", "dampening", torch.optim.SGD, dict(lr=0.05, momentum=0.9, dampening=0.3)),
    ("SGD", "nesterov", torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
    ("SGD", "decay", torch.optim.SGD, dict(lr=0.05, momentum=0.9, weight_decay=0.1)),
    ("Adam", "plain", torch.optim.Adam, dict(lr=0.05)),
    ("Adam", "betas", torch.optim.Adam, dict(lr=0.05, betas=(0.8, 0.95), eps=1e-4)),
    ("Adam", "decay", torch.optim.Adam, dict(lr=0.05, weight_decay=0.1)),
    ("AdamW", "plain", torch.optim.AdamW, dict(lr=0.05)),
    ("AdamW", "decay", torch.optim.AdamW, dict(lr=0.05, weight_decay=0.2)),
    ("Adamax", "plain", torch.optim.Adamax, dict(lr=0.05)),
    ("Adamax", "decay", torch.optim.Adamax, dict(lr=0.05, betas=(0.8, 0.95), weight_decay=0.1)),
    ("RAdam", "plain", torch.optim.RAdam, dict(lr=0.05)),
    ("RAdam", "decay", torch.optim.RAdam, dict(lr=0.05, betas=(0.8, 0.95), weight_decay=0.1)),
    ("Adagrad", "plain", torch.optim.Adagrad, dict(lr=0.1)),
    ("Adagrad", "all", torch.optim.Adagrad, dict(lr=0.1, lr_decay=0.1, weight_decay=0.1)),
    ("LBFGS", "strong Wolfe", torch.optim.LBFGS,
     dict(max_iter=2, history_size=10, line_search_fn="strong_wolfe")),
    ("LBFGS", "far first", torch.optim.LBFGS,
     dict(lr=30, max_iter=2, history_size=3, line_search_fn="strong_wolfe")),
    ("LBFGS", "no search", torch.optim.LBFGS,
     dict(lr=0.5, max_iter=2, history_size=3, line_search_fn=None)),
    ("RMSprop", "plain", torch.optim.RMSprop, dict(lr=0.02)),
    ("RMSprop", "alpha", torch.optim.RMSprop, dict(lr=0.02, alpha=0.9, eps=1e-4)),
    ("RMSprop", "centered", torch.optim.RMSprop, dict(lr=0.02, centered=True)),
    ("RMSprop", "momentum", torch.optim.RMSprop, dict(lr=0.02, momentum=0.9)),
    ("RMSprop", "all", torch.optim.RMSprop,
     dict(lr=0.02, momentum=0.9, centered=True, weight_decay=0.1)),
]


# A length that a search finds by a cubic follows from differences of losses: a rounding of the loss,
# 6e-8, comes out some hundred times larger.
FLOAT32_TOLERANCE = {"LBFGS": 1e-4}


def optimizer(name, label, make, options, problem):
    """Ten steps on mean((tanh(x W' + b) - y)^2); the parameters after every step."""
    entry = {"optimizer": name, "name": label,
             "options": {k: "none" if v is None else v for k, v in options.items()}}
    if name in FLOAT32_TOLERANCE:
        entry["float32 tolerance"] = FLOAT32_TOLERANCE[name]
    for text, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        x, y, w, b = (torch.tensor(problem[k], dtype=dtype) for k in ("x", "y", "weight", "bias"))
        w.requires_grad_()
        b.requires_grad_()
        method, steps = make([w, b], **options), []

        def closure():
            method.zero_grad()
            loss = ((torch.tanh(F.linear(x, w, b)) - y) ** 2).mean()
            loss.backward()
            return loss

        for _ in range(10):
            method.step(closure)
            steps.append({"weight": flat(w, dtype), "bias": flat(b, dtype)})
        entry[text] = steps
    return entry


def write(name, body):
    """One entry per line, so that a change shows as the lines it touches."""
    path = os.path.join(HERE, name)
    with open(path, "w") as f:
        f.write("{\n")
        for i, (key, value) in enumerate(body.items()):
            f.write(("" if i == 0 else ",\n") + json.dumps(key) + ":")
            if isinstance(value, list):
                f.write("[\n" + ",\n".join(json.dumps(v, separators=(",", ":")) for v in value) + "\n]")
            else:
                f.write(json.dumps(value, separators=(",", ":")))
        f.write("\n}\n")
    print(name, os.path.getsize(path), "bytes")


def main():
    torch.manual_seed(1)
    for family in (unary, binary, reductions, movement, products, networks, losses,
                   linear_algebra, pairs):
        family()
    seen = {(c["call"], c["name"]) for c in CASES}
    assert len(seen) == len(CASES), "two cases of one name"
    write("operations.json", {"torch": torch.__version__, "cases": [operation(c) for c in CASES]})
    write("layers.json", {"torch": torch.__version__, "cases": [layer(*c) for c in layers()]})
    random = np.random.RandomState(5)
    problem = {k: (np.round(random.uniform(-1, 1, s) * 1024) / 1024).tolist()
               for k, s in dict(x=(8, 3), y=(8, 2), weight=(2, 3), bias=(2,)).items()}
    write("optimizers.json", {"torch": torch.__version__, "problem": problem,
                              "runs": [optimizer(*o, problem) for o in OPTIMIZERS]})


if __name__ == "__main__":
    main()
