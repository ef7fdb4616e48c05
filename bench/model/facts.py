"""What a model asks of a machine: bytes to read and operations to do, for each token.

    facts = Facts(json of `bf-gguf inspect --json`)
    facts.at_most(limits, "tg", 32)     # tokens a second, if reading weights were all
    facts.at_most(limits, "pp", 128)    # ... if multiplying were all
"""

FLOATS = ("F32", "F16", "BF16")

# general.file_type, as src/tools/gguf/file_types.def has it.
FILE_TYPES = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
              11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
              17: "Q5_K_M", 18: "Q6_K", 25: "IQ4_NL", 30: "IQ4_XS", 32: "BF16"}


def _short(number):
    """1.10 B, 260.2 K"""
    for unit, size in (("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if number >= size:
            return f"{number / size:.2f} {unit}"
    return str(number)


class Facts:
    def __init__(self, inspected):
        metadata, tensors = inspected["metadata"], inspected["tensors"]
        names = {tensor["name"] for tensor in tensors}
        tied = "output.weight" not in names
        self.architecture = metadata.get("general.architecture", "unknown")
        self.bytes = sum(tensor["bytes"] for tensor in tensors)
        self.parameters = sum(tensor["weights"] for tensor in tensors)
        formats = {tensor["format"]: 0 for tensor in tensors}
        for tensor in tensors:
            formats[tensor["format"]] += tensor["weights"]
        self.format = FILE_TYPES.get(metadata.get("general.file_type"),
                                     max(formats, key=formats.get))
        self._kv_bytes_per_position = self._kv_bytes(metadata)
        # Of the embeddings one row is read, unless they are the output matrix, too.
        self._matrices = [tensor for tensor in tensors if len(tensor["shape"]) > 1
                          and (tied or tensor["name"] != "token_embd.weight")]
        self._output = "token_embd.weight" if tied else "output.weight"

    def _kv_bytes(self, metadata):
        """Keys and values of all layers for one position, as halves."""
        def of(key, otherwise=0):
            return metadata.get(f"{self.architecture}.{key}", otherwise)
        heads = of("attention.head_count", 1)
        head = of("attention.key_length", of("embedding_length") // heads)
        return of("block_count") * of("attention.head_count_kv", heads) * head * 2 * 2

    def kv_bytes(self, positions):
        return self._kv_bytes_per_position * positions

    @property
    def name(self):
        return f"{self.architecture} {_short(self.parameters).replace(' ', '')} {self.format}"

    @property
    def size(self):
        return f"{self.bytes / (1 << 20):.1f} MiB"

    def summary(self):
        return {"name": self.name, "size": self.size, "bytes": self.bytes,
                "parameters": _short(self.parameters), "bytes_per_token": self.bytes_per_token()}

    def bytes_per_token(self):
        return sum(tensor["bytes"] for tensor in self._matrices)

    def _seconds(self, limits, tensor):
        """To multiply one vector with a matrix at the peak of what its format is multiplied with."""
        peak = limits["f32_gflops"] if tensor["format"] in FLOATS else limits["int8_gops"]
        return 2 * tensor["weights"] / (peak * 1e9)

    def at_most(self, limits, kind, tokens):
        """What the machine allows, in tokens a second. Of a prompt ("pp") the output matrix is
        needed for the last token only, and weights come from memory once."""
        if kind == "tg":
            return limits["read_gb_s"] * 1e9 / self.bytes_per_token()
        once = sum(self._seconds(limits, tensor) for tensor in self._matrices
                   if tensor["name"] == self._output)
        each = sum(self._seconds(limits, tensor) for tensor in self._matrices
                   if tensor["name"] != self._output)
        reading = self.bytes_per_token() / (limits["read_gb_s"] * 1e9)
        return tokens / max(once + tokens * each, reading)
