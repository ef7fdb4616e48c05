"""`./bareflow disk`: the image of a disk with models on it, and room for what the machine keeps."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from cli import disk_fat, disk_tables, settings
from cli.report import Failure, Step, say

MIB = 1 << 20
ROOM = 64 * MIB  # besides the models, where no --size says otherwise
PIECE = 8 * MIB
UNITS = {"K": 1 << 10, "M": MIB, "G": 1 << 30}


@dataclass
class Model:
    path: Path
    size: int
    modified: float
    offset: int = 0  # on the disk

    @property
    def raw(self):
        """Too large for a file on FAT32: it gets a partition of its own."""
        return self.size > disk_fat.MOST_FILE_BYTES


def bytes_of(text):
    """512M as a number."""
    return int(text[:-1]) * UNITS[text[-1].upper()] if text[-1].isalpha() else int(text)


def _up(number, multiple):
    return -(-number // multiple) * multiple


def model_at(path):
    stat = path.stat()
    return Model(path, stat.st_size, stat.st_mtime)


def _models(arguments):
    found = []
    for name in arguments.models or [""]:
        arguments.model = name or None
        path = settings.model(arguments)
        if path.is_dir():
            raise Failure(f"model: {path} is a folder: give a GGUF file")
        found.append(model_at(path))
    names = [model.path.name.lower() for model in found]
    for name in names:
        if names.count(name) > 1:
            raise Failure(f"two models are called {name}")
    return found


def _data_pieces(source, size):
    """(offset, bytes) of what is not zero."""
    offset = 0
    while offset < size:
        try:
            offset = os.lseek(source.fileno(), offset, os.SEEK_DATA)
        except OSError:
            return  # nothing but a hole from here on
        piece = os.pread(source.fileno(), min(PIECE, size - offset), offset)
        if not piece:
            raise Failure(f"{source.name} became shorter while it was read")
        if piece.count(0) != len(piece):
            yield offset, piece
        offset += len(piece)


def _copy(model, file):
    with open(model.path, "rb") as source, Step(f"{model.path.name}, {model.size:,} bytes"):
        shown = 0
        for offset, piece in _data_pieces(source, model.size):
            file.seek(model.offset + offset)
            file.write(piece)
            tenth = (offset + len(piece)) * 10 // model.size
            if tenth > shown and model.size > 256 * MIB:
                shown = tenth
                say(f"{model.path.name}: {10 * tenth} %")


class Disk:
    """The plan of an image: where each partition goes."""

    def __init__(self, models, table, sector_bytes, size=None):
        self.models, self.table, self.sector_bytes = models, table, sector_bytes
        start = 0 if table == "none" else disk_tables.first_usable(sector_bytes)
        end = disk_tables.behind(table, sector_bytes)
        raw = sum(_up(model.size, MIB) for model in models if model.raw)
        if raw and table != "gpt":
            raise Failure("a model of more than 4 GiB needs a partition table of the kind gpt")
        if size is None:
            least = 66 * 1024 * sector_bytes + 4 * MIB  # FAT32's least number of clusters, and tables
            files = sum(_up(model.size, 64 << 10) for model in models if not model.raw)
            volume = _up(max(files + files // 1000 + ROOM, least), MIB)
        else:
            volume = (size - start - end - raw) // MIB * MIB
            if volume <= 0:
                raise Failure("the disk is too small for its models: give it a larger --size")
        self.partitions = [(disk_tables.BASIC_DATA, "BareFlow", start, volume)]
        at = start + volume
        for model in models:
            if model.raw:
                self.partitions.append((disk_tables.RAW_MODEL, model.path.name[-35:], at, _up(model.size, MIB)))
                model.offset = at
                at += _up(model.size, MIB)
        self.bytes = size // sector_bytes * sector_bytes if size else _up(at + end, MIB)
        self.layout = disk_fat.Layout(volume, sector_bytes)

    def write(self, path):
        _, _, start, _ = self.partitions[0]
        volume = disk_fat.Volume(self.layout, start // self.sector_bytes, uuid.uuid4().time_low)
        for model in self.models:
            if not model.raw:
                model.offset = start + volume.add(model.path.name, model.size, model.modified)
        with open(path, "wb") as file:
            file.truncate(self.bytes)
            volume.write(file, start)
            if self.table == "gpt":
                disk_tables.write_gpt(file, self.partitions, self.sector_bytes, self.bytes)
            elif self.table == "mbr":
                disk_tables.write_mbr(file, self.partitions, self.sector_bytes)
            for model in self.models:
                _copy(model, file)


def make(output, models, table="gpt", sector_bytes=512, size=None):
    """Makes an image; what fails leaves none behind."""
    disk = Disk(models, table, sector_bytes, size)
    partial = output.with_name(output.name + ".partial")
    try:
        disk.write(partial)
        partial.replace(output)
    except OSError as error:
        raise Failure(f"cannot write {output}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return disk


def main(arguments):
    output = settings.output(arguments.output)
    models = _models(arguments)
    if output.exists() and any(output.samefile(model.path) for model in models):
        raise Failure(f"-o {output} is the model itself: name another file")
    disk = make(output, models, arguments.table, arguments.sector_bytes,
                bytes_of(arguments.size) if arguments.size else None)
    clusters = disk.layout
    say(f"FAT32 with {clusters.clusters:,} clusters of {clusters.cluster_bytes:,} bytes")
    say(f"{output}: {disk.bytes:,} bytes, {output.stat().st_blocks * 512:,} of them on this disk")
