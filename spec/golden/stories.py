#!/usr/bin/python3
"""What PyTorch makes of stories260K: the mean loss per token that examples/stories.lua compares with.

    /usr/bin/python3 spec/golden/stories.py tinystories_sample.txt [stories]

Reads the checkpoint and the tokenizer of examples/data/stories260K by itself. Each story is BOS and
its tokens, cut to the context; every token after BOS is predicted. Prints stories, tokens and loss.
"""
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "data", "stories260K")


def load_tokenizer(path):
    data, pieces, scores, at = open(path, "rb").read(), [], [], 4
    while at < len(data):
        score, length = struct.unpack_from("<fi", data, at)
        pieces.append(data[at + 8:at + 8 + length])
        scores.append(score)
        at += 8 + length
    return pieces, scores, {piece: i for i, piece in reversed(list(enumerate(pieces)))}


def encode_word(word, vocabulary):
    pieces, scores, index = vocabulary
    tokens = []
    for character in word:
        raw = character.encode()
        tokens += [index[raw]] if raw in index else [byte + 3 for byte in raw]
    while True:
        best, where, union = -1e10, None, None
        for i in range(len(tokens) - 1):
            joined = index.get(pieces[tokens[i]] + pieces[tokens[i + 1]])
            if joined is not None and scores[joined] > best:
                best, where, union = scores[joined], i, joined
        if where is None:
            return tokens
        tokens[where:where + 2] = [union]


def encode(text, vocabulary, known):
    tokens = [1]
    for i, word in enumerate((" " + text).split(" ")[1:]):
        if word not in known:
            known[word] = encode_word(" " + word, vocabulary)
        tokens += known[word]
    return tokens


class Model:
    def __init__(self, path):
        data = open(path, "rb").read()
        names = "dim hidden layers heads kv_heads vocabulary context".split()
        for name, value in zip(names, struct.unpack_from("<7i", data)):
            setattr(self, name, value)
        self.numbers, self.at = torch.from_numpy(np.frombuffer(data, "<f4", offset=28).copy()), 0
        dim, layers, kv = self.dim, self.layers, self.dim // self.heads * self.kv_heads
        self.embedding = self.take(self.vocabulary, dim)
        self.norm1 = self.take(layers, dim)
        self.q, self.k = self.take(layers, dim, dim), self.take(layers, kv, dim)
        self.v, self.o = self.take(layers, kv, dim), self.take(layers, dim, dim)
        self.norm2 = self.take(layers, dim)
        self.gate = self.take(layers, self.hidden, dim)
        self.down = self.take(layers, dim, self.hidden)
        self.up = self.take(layers, self.hidden, dim)
        self.norm = self.take(dim)

    def take(self, *shape):
        count = int(np.prod(shape))
        self.at += count
        return self.numbers[self.at - count:self.at].reshape(shape)

    @staticmethod
    def rms(x, weight):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight

    def rotate(self, x):
        T, _, width = x.shape
        angle = torch.arange(T).double()[:, None] * 10000.0 ** (-torch.arange(0, width, 2) / width)
        pairs = torch.view_as_complex(x.double().reshape(T, -1, width // 2, 2))
        turned = pairs * torch.polar(torch.ones_like(angle), angle)[:, None]
        return torch.view_as_real(turned).reshape(x.shape).float()

    def heads_of(self, x, heads):
        return x.reshape(len(x), heads, -1)

    def attend(self, x, i):
        q = self.rotate(self.heads_of(x @ self.q[i].T, self.heads))
        k = self.rotate(self.heads_of(x @ self.k[i].T, self.kv_heads))
        v = self.heads_of(x @ self.v[i].T, self.kv_heads)
        k, v = (t.repeat_interleave(self.heads // self.kv_heads, 1) for t in (k, v))
        scores = torch.einsum("thd,shd->hts", q, k) / q.shape[-1] ** 0.5
        scores += torch.full(scores.shape[1:], float("-inf")).triu(1)
        return torch.einsum("hts,shd->thd", scores.softmax(-1), v).reshape(len(x), -1) @ self.o[i].T

    def logits(self, tokens):
        x = self.embedding[tokens]
        for i in range(self.layers):
            x = x + self.attend(self.rms(x, self.norm1[i]), i)
            y = self.rms(x, self.norm2[i])
            x = x + (F.silu(y @ self.gate[i].T) * (y @ self.up[i].T)) @ self.down[i].T
        return self.rms(x, self.norm) @ self.embedding.T


def main():
    torch.set_num_threads(1)
    text = open(sys.argv[1], encoding="utf-8").read()
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else None
    vocabulary, known = load_tokenizer(os.path.join(DATA, "tok512.bin")), {}
    model = Model(os.path.join(DATA, "stories260K.bin"))
    stories = [s.strip() for s in text.split("<|endoftext|>")]
    stories = [s for s in stories if s][:limit]
    total, count = 0.0, 0
    with torch.no_grad():
        for story in stories:
            tokens = torch.tensor(encode(story, vocabulary, known)[:model.context])
            loss = F.cross_entropy(model.logits(tokens[:-1]), tokens[1:], reduction="sum")
            total, count = total + loss.item(), count + len(tokens) - 1
    print(f"{len(stories)} stories, {count} tokens, mean loss {total / count:.6f}")


main()
