"""GGUF version 3, as much of it as the default model needs: writing and reading.

Metadata values are Python ints (u32), floats (f32), bools, strings, and lists of
one of these. Tensors are float32 arrays, stored as F32 (one dimension) or as
Q8_0 (two dimensions).
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np

MAGIC = b"GGUF"
VERSION = 3
ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TENSOR_F32, TENSOR_Q8_0 = 0, 8
Q8_BLOCK = 32

_SCALARS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}


def quantize_q8_0(rows: np.ndarray) -> bytes:
    """Blocks of 32 weights: a float16 scale, then 32 signed bytes."""
    blocks = rows.astype(np.float32).reshape(-1, Q8_BLOCK)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / 127.0
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    out = np.empty(len(blocks), dtype=[("d", "<f2"), ("q", "i1", Q8_BLOCK)])
    out["d"] = scale[:, 0]
    out["q"] = np.rint(blocks * inverse)
    return out.tobytes()


def dequantize_q8_0(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    blocks = np.frombuffer(data, dtype=[("d", "<f2"), ("q", "i1", Q8_BLOCK)])
    return (blocks["d"].astype(np.float32)[:, None] * blocks["q"]).reshape(shape)


def _string(text: str) -> bytes:
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _type_of(value: Any) -> int:
    # bool first: in Python it is an int too.
    for python_type, code in ((bool, BOOL), (int, U32), (float, F32), (str, STRING), (list, ARRAY)):
        if isinstance(value, python_type):
            return code
    raise TypeError(f"no GGUF type for {value!r}")


def _value(value: Any, code: int) -> bytes:
    if code == STRING:
        return _string(value)
    if code == ARRAY:
        # llama.cpp reads token types as i32.
        element = {U32: I32}.get(_type_of(value[0]), _type_of(value[0]))
        head = struct.pack("<IQ", element, len(value))
        return head + b"".join(_value(item, element) for item in value)
    return struct.pack(_SCALARS[code], value)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % ALIGNMENT)


def write(path: str, metadata: dict[str, Any], tensors: dict[str, np.ndarray]) -> int:
    """Writes the file and returns its size in bytes."""
    out = bytearray(MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata)))
    for key, value in metadata.items():
        code = _type_of(value)
        out += _string(key) + struct.pack("<I", code) + _value(value, code)
    data = bytearray()
    for name, tensor in tensors.items():
        kind = TENSOR_F32 if tensor.ndim == 1 else TENSOR_Q8_0
        # GGUF counts dimensions from the innermost one.
        out += _string(name) + struct.pack("<I", tensor.ndim)
        out += struct.pack(f"<{tensor.ndim}Q", *reversed(tensor.shape))
        out += struct.pack("<IQ", kind, len(data))
        data += tensor.astype("<f4").tobytes() if kind == TENSOR_F32 else quantize_q8_0(tensor)
        data += _padding(len(data))
    out += _padding(len(out)) + data
    with open(path, "wb") as file:
        file.write(out)
    return len(out)


def _read(file: BinaryIO, form: str) -> Any:
    values = struct.unpack(form, file.read(struct.calcsize(form)))
    return values[0] if len(values) == 1 else values


def _read_value(file: BinaryIO, code: int) -> Any:
    if code == STRING:
        return file.read(_read(file, "<Q")).decode("utf-8")
    if code == ARRAY:
        element, count = _read(file, "<IQ")
        return [_read_value(file, element) for _ in range(count)]
    return _read(file, _SCALARS[code])


def _read_tensor(data: bytes, shape: tuple[int, ...], kind: int, offset: int) -> np.ndarray:
    count = int(np.prod(shape))
    if kind == TENSOR_F32:
        return np.frombuffer(data, "<f4", count, offset).reshape(shape)
    if kind == TENSOR_Q8_0:
        size = count // Q8_BLOCK * (2 + Q8_BLOCK)
        return dequantize_q8_0(data[offset : offset + size], shape)
    raise ValueError(f"tensor type {kind} is neither F32 nor Q8_0")


def read(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metadata, and the tensors as float32 arrays (rows, columns)."""
    with open(path, "rb") as file:
        if file.read(4) != MAGIC:
            raise ValueError(f"{path} is not a GGUF file")
        _, tensor_count, value_count = _read(file, "<IQQ")
        metadata = {}
        for _ in range(value_count):
            key = _read_value(file, STRING)
            metadata[key] = _read_value(file, _read(file, "<I"))
        directory = []
        for _ in range(tensor_count):
            name, dimensions = _read_value(file, STRING), _read(file, "<I")
            shape = tuple(_read(file, "<Q") for _ in range(dimensions))[::-1]
            directory.append((name, shape, *_read(file, "<IQ")))
        file.read(-file.tell() % ALIGNMENT)
        data = file.read()
    return metadata, {name: _read_tensor(data, *where) for name, *where in directory}
