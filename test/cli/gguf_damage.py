"""Damaged copies of a GGUF file (little-endian, version 3), each with what must be said about it."""

import struct

TENSOR_COUNT_AT, METADATA_COUNT_AT = 8, 16
U32, STRING = 4, 8
SUPER_BLOCKS = (10, 11, 12, 13, 14, 23)  # Q2_K to Q6_K, IQ4_XS: 256 columns together


def _put(data, offset, value):
    return data[:offset] + value + data[offset + len(value):]


def _value_at(data, key, kind):
    """Where the value of a metadata key begins."""
    name = struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind)
    return data.index(name) + len(name)


def _tensor_at(data, name):
    """Where a tensor's entry goes on after its name: count of sizes, sizes, type, offset."""
    text = struct.pack("<Q", len(name)) + name.encode()
    return data.index(text) + len(text)


def _set_u32(data, key, value):
    return _put(data, _value_at(data, key, U32), struct.pack("<I", value))


def damaged(good):
    """(name, bytes, word of the error) of files that must be refused."""
    huge = struct.pack("<Q", 1 << 60)
    matrix = _tensor_at(good, "blk.0.attn_q.weight")
    type_at, offset_at = matrix + 4 + 2 * 8, matrix + 4 + 2 * 8 + 4
    architecture = _value_at(good, "general.architecture", STRING) + 8
    whole_blocks = [(f"rows that are no whole blocks, format {number}",
                     _put(good, type_at, struct.pack("<I", number)), "model: ")
                    for number in SUPER_BLOCKS]
    return whole_blocks + [
        ("wrong magic", b"GGML" + good[4:], "model: "),
        ("no GGUF at all", b"\x7fELF" * 4096, "model: "),
        ("unknown version", _put(good, 4, struct.pack("<I", 99)), "version 99"),
        ("absurd tensor count", _put(good, TENSOR_COUNT_AT, huge), "tensors"),
        ("absurd metadata count", _put(good, METADATA_COUNT_AT, huge), "claims"),
        ("absurd length of a key", _put(good, 24, huge), "model: "),
        ("huge dimension", _put(good, matrix + 4, huge), "model: "),
        ("huge dimensions whose product wraps",
         _put(good, matrix + 4, struct.pack("<QQ", 1 << 32, 1 << 32)), "model: "),
        ("huge embedding", _set_u32(good, "llama.embedding_length", 0xffffffe0), "model: "),
        ("no layers", _set_u32(good, "llama.block_count", 0), "model: "),
        ("too many layers", _set_u32(good, "llama.block_count", 0xffffffff), "model: "),
        ("fewer layers than there are", _set_u32(good, "llama.block_count", 2), "more blocks"),
        ("no heads", _set_u32(good, "llama.attention.head_count", 0), "model: "),
        ("offset past the end", _put(good, offset_at, huge), "model: "),
        ("an offset into another tensor", _put(good, offset_at, bytes(8)), "overlap"),
        ("unsupported format", _put(good, type_at, struct.pack("<I", 16)), "IQ2_XXS"),
        ("unknown format", _put(good, type_at, struct.pack("<I", 9999)), "model: "),
        ("unsupported architecture", _put(good, architecture, b"zebra"), "zebra"),
    ]


def truncated(good):
    """(name, bytes) of copies that end too early: around every border of the header, and beyond."""
    last = len(good) - 1
    lengths = [1, 3, 4, 7, 8, 12, 16, 20, 23, 24, 28, 32, 40, 100, 1000, 5000, 20000, 40000,
               last // 4, last // 2, last - 32, last]
    return [(f"{length} bytes", good[:length]) for length in lengths if length < len(good)]
