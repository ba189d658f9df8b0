#!/usr/bin/env python3
"""Writes spec/golden/files/: small files made by others (NumPy, SciPy, wave, zlib, zipfile), or by hand where the
format is simple enough to spell out (PNG, safetensors, IDX). Run by hand: python3 spec/golden/files.py
The specs know what is in them; the same script always writes the same bytes."""
import io
import json
import os
import struct
import wave
import zipfile
import zlib

import numpy as np
from scipy.io import wavfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")


def write(name, data):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(data)


def npy_bytes(array, version=None):
    f = io.BytesIO()
    np.lib.format.write_array(f, array, version=version, allow_pickle=True)
    return f.getvalue()


def npy():
    small = np.arange(6).reshape(2, 3)
    for code in ["<f4", ">f4", "<f8", ">f8", "<i8", ">i8", "<i4", ">i4", "<u8", "<u4", "<i2", ">i2", "<u2", "|i1",
                 "|u1", "<f2", ">f2"]:
        name = {"<": "little", ">": "big", "|": "byte"}[code[0]] + "_" + code[1:]
        write(f"{name}.npy", npy_bytes((small * (1 if "u" in code else -1)).astype(code)))
    write("bool.npy", npy_bytes(small % 2 == 1))
    write("fortran.npy", npy_bytes(np.asfortranarray(np.arange(24, dtype="<f4").reshape(2, 3, 4))))
    write("fortran_big_i2.npy", npy_bytes(np.asfortranarray(small.astype(">i2"))))
    write("scalar.npy", npy_bytes(np.array(2.5)))
    write("vector.npy", npy_bytes(np.arange(5, dtype="<i8")))
    write("empty.npy", npy_bytes(np.zeros((3, 0, 2), dtype="<f4")))
    write("version2.npy", npy_bytes(small.astype("<f4"), (2, 0)))
    write("version3.npy", npy_bytes(small.astype("<f4"), (3, 0)))
    # Every finite and infinite binary16, as NumPy widens it.
    halves = np.arange(65536, dtype="<u2").view("<f2")
    halves = halves[~np.isnan(halves)]
    write("halves_f2.npy", npy_bytes(halves[::7]))
    write("halves_f4.npy", npy_bytes(halves[::7].astype("<f4")))
    # Floats of every size, ties among them, and how NumPy rounds them.
    wide = np.random.default_rng(1).standard_normal(2000) * 10.0 ** np.random.default_rng(2).integers(-9, 6, 2000)
    ties = (np.arange(1, 200, 2) * 2.0**-12 + 1).tolist() + (np.arange(1, 99, 2) * 2.0**-25).tolist()
    wide = np.concatenate([wide, ties, [0.0, -0.0, 65504.0, 65519.99, 65520.0, -1e9, np.inf, -np.inf]]).astype("<f4")
    with np.errstate(over="ignore"):
        write("wide_f4.npy", npy_bytes(wide))
        write("wide_f2.npy", npy_bytes(wide.astype("<f2")))
    # What no tensor holds.
    write("refused_complex.npy", npy_bytes(small.astype("<c8")))
    write("refused_u8.npy", npy_bytes(np.array([1, 2**63], dtype="<u8")))
    write("refused_text.npy", npy_bytes(np.array(["a", "bc"])))
    write("refused_object.npy", npy_bytes(np.array([{"a": 1}], dtype=object)))
    write("refused_record.npy", npy_bytes(np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")])))


def npz():
    arrays = {"weight": np.arange(6, dtype="<f4").reshape(2, 3), "steps": np.array(7, dtype="<i8")}
    for name, save in [("stored.npz", np.savez), ("deflated.npz", np.savez_compressed)]:
        f = io.BytesIO()
        save(f, **arrays)
        write(name, f.getvalue())
    # A member whose sizes stand behind it (a streamed archive), and an archive with a comment.
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w", zipfile.ZIP_DEFLATED) as z:
        z.comment = b"made by hand"
        z.writestr(zipfile.ZipInfo("weight.npy"), npy_bytes(arrays["weight"]))
    write("comment.npz", f.getvalue())

    class Pipe(io.RawIOBase):
        """Cannot seek, so zipfile writes data descriptors."""

        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("weight.npy"), npy_bytes(arrays["weight"]))
    write("streamed.npz", pipe.data)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(width, height, depth, color, rows, interlace=0, extra=b""):
    """rows: the bytes of the scanlines without filter bytes, already in passes when interlaced."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    raw = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(raw, 9)) +
            chunk(b"IEND", b""))


def adam7(image):
    """The scanlines of the seven passes of an (height, width, channels) uint8 image."""
    for y0, x0, dy, dx in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2),
                           (0, 1, 2, 2), (1, 0, 2, 1)]:
        part = image[y0::dy, x0::dx]
        if part.size:
            yield from (row.tobytes() for row in part)


def png():
    # Sample k of a picture is 7 k modulo 256 in all the 8-bit pictures.
    def image(height, width, channels):
        return (np.arange(height * width * channels) * 7 % 256).astype("u1").reshape(height, width, channels)

    def rows(picture):
        return [row.tobytes() for row in picture]

    write("grey.png", png_bytes(5, 3, 8, 0, rows(image(3, 5, 1))))
    write("grey_alpha.png", png_bytes(5, 3, 8, 4, rows(image(3, 5, 2))))
    write("rgb.png", png_bytes(5, 3, 8, 2, rows(image(3, 5, 3))))
    write("rgba.png", png_bytes(5, 3, 8, 6, rows(image(3, 5, 4))))
    write("interlaced.png", png_bytes(9, 10, 8, 2, adam7(image(10, 9, 3)), interlace=1))
    # One bit: black, white, black, ... over 10 columns; row 2 the other way round.
    write("one_bit.png", png_bytes(10, 2, 1, 0, [b"\x55\x40", b"\xaa\x80"]))
    # Two bits a pixel into a palette of three colours, the second half transparent.
    palette = chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0, 0, 0, 255]))
    write("palette.png", png_bytes(4, 1, 2, 3, [b"\x18"], extra=palette))
    alpha = palette + chunk(b"tRNS", bytes([255, 128]))
    write("palette_alpha.png", png_bytes(4, 1, 2, 3, [b"\x18"], extra=alpha))
    write("sixteen.png", png_bytes(3, 1, 16, 0, [struct.pack(">HHH", 0, 32896, 65535)]))
    # Says 60000 x 60000 and holds next to nothing.
    write("lying.png", png_bytes(60000, 60000, 8, 2, [b"\0" * 64]))


def safetensors_bytes(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors():
    values = np.arange(6).reshape(2, 3)
    brains = (values.astype("<f4").view("<u4") >> 16).astype("<u2")
    parts = [("F64", values.astype("<f8")), ("I64", -values.astype("<i8")), ("F32", values.astype("<f4")),
             ("I32", -values.astype("<i4")), ("U32", values.astype("<u4")), ("F16", values.astype("<f2")),
             ("BF16", brains), ("I16", -values.astype("<i2")), ("U16", values.astype("<u2")),
             ("I8", -values.astype("i1")), ("U8", values.astype("u1")), ("BOOL", values % 2 == 1)]
    header, data = {"__metadata__": {"format": "pt", "note": 'quoted " and \u00e9'}}, b""
    for name, array in parts:
        raw = array.tobytes()
        header[name.lower()] = {"dtype": name, "shape": [2, 3], "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    header["scalar"] = {"dtype": "F32", "shape": [], "data_offsets": [len(data), len(data) + 4]}
    data += struct.pack("<f", 2.5)
    header["empty"] = {"dtype": "F32", "shape": [0, 4], "data_offsets": [len(data), len(data)]}
    write("all.safetensors", safetensors_bytes(header, data))


def wav():
    # Python's wave writes integers, SciPy floats; sample k of channel c is as the formula says.
    frames = np.array([[k * 0.25 - 1, 0.5 - k * 0.125] for k in range(7)])
    for bits, code in [(8, "u1"), (16, "<i2"), (24, None), (32, "<i4")]:
        levels = np.clip(np.round(frames * 2.0 ** (bits - 1)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype("<i8")
        raw = b"".join(struct.pack("<q", v)[:3] for v in levels.ravel())
        f = io.BytesIO()
        with wave.open(f, "wb") as w:
            w.setnchannels(2)
            w.setsampwidth(bits // 8)
            w.setframerate(8000)
            w.writeframes(raw if code is None else (levels + (128 if bits == 8 else 0)).astype(code).tobytes())
        write(f"stereo_{bits}.wav", f.getvalue())
    for bits in (32, 64):
        f = io.BytesIO()
        wavfile.write(f, 44100, frames[:, 0].astype(f"<f{bits // 8}"))
        write(f"mono_f{bits}.wav", f.getvalue())
    # Extensible, with a chunk of odd size before the data and one more behind the sound.
    guid = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 3, 48000, 288000, 6, 16, 22, 16, 7) + guid
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"LIST" + struct.pack("<I", 5) + b"12345\0"
    body += b"data" + struct.pack("<I", 12) + struct.pack("<6h", 0, 16384, -32768, 1, 2, 3) + b"LIST\0\0\0\0"
    write("extensible.wav", b"RIFF" + struct.pack("<I", len(body)) + body)


def idx():
    images = (np.arange(2 * 3 * 4) % 256).astype("u1")
    data = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 3, 4) + images.tobytes()
    write("images-idx3", data)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    write("images-idx3.gz", packer.compress(data) + packer.flush())
    write("labels-idx1", struct.pack(">BBBBI", 0, 0, 8, 1, 4) + bytes([0, 9, 3, 1]))
    write("floats-idx1", struct.pack(">BBBBI3f", 0, 0, 0x0d, 1, 3, 0.5, -1.25, 8.0))


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    for make in (npy, npz, png, safetensors, wav, idx):
        make()
