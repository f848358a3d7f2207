"""A reader of `model.ebm`, version 1, written from ebm-core/FORMAT.md alone."""

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

MAGIC = b"EBM\x1a"
MACHINE, HEAD, GENERATIVE, SIGMOID = "BernoulliRbm", "Head", "Generative", "Sigmoid"
KINDS = (MACHINE, HEAD, GENERATIVE, SIGMOID)
RESCALE = np.dtype([("multiplier", "<u2"), ("pre", "u1"), ("post", "u1")])


@dataclass
class Layer:
    """One layer: its shape and its sections by name. `weights` is V × H."""

    kind: str
    integer: bool
    down_shift: int
    visible: int
    hidden: int
    sections: dict = field(default_factory=dict)


@dataclass
class File:
    """One model file."""

    levels: int | None
    layers: list
    labels: list
    novelty: tuple | None
    provenance: dict

    def machine(self):
        """Layer 0, whose free energies and samples the model has."""
        return self.layers[0]

    def recognition(self):
        """The layers of a recognition pass."""
        return [layer for layer in self.layers if layer.kind != GENERATIVE]


class Postcard:
    """A cursor over postcard's wire format."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        taken = self.data[self.at : self.at + count]
        assert len(taken) == count, "the header ends too early"
        self.at += count
        return taken

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def i32(self):
        zigzag = self.varint()
        return (zigzag >> 1) ^ -(zigzag & 1)

    def f32(self):
        return struct.unpack("<f", self.take(4))[0]

    def string(self):
        return self.take(self.varint()).decode()

    def option(self, read):
        present = self.u8()
        assert present in (0, 1)
        return read() if present else None


def padded(length):
    """`length` rounded up to 16."""
    return (length + 15) // 16 * 16


def read(data):
    """The model in `data`, the bytes of a file."""
    assert len(data) >= 32 and data[:4] == MAGIC
    version, header_length, payload_length, payload_crc = struct.unpack("<H2xIII", data[4:20])
    assert version == 1 and header_length <= 4096
    start = padded(32 + header_length)
    assert len(data) == start + payload_length
    assert struct.unpack("<I", data[28:32])[0] == zlib.crc32(data[:28] + data[32:start])
    payload = data[start:]
    assert payload_crc == zlib.crc32(payload)

    header = Postcard(data[32 : 32 + header_length])
    levels = header.varint() if (False, True)[header.varint()] else None
    layers = [read_layer_header(header) for _ in range(header.varint())]
    names = header.string()
    novelty = header.option(lambda: (header.i32(), header.f32()))
    provenance = {
        "dataset": header.string(),
        "dataset_crc32": header.varint(),
        "seed": header.varint(),
        "test_accuracy": header.option(header.f32),
        "tool": header.string(),
    }
    assert header.at == header_length, "the header is longer than its fields"

    at = 0
    for layer in layers:
        for name, dtype, count in sections(layer):
            size = np.dtype(dtype).itemsize * count
            values = np.frombuffer(payload[at : at + size], dtype=dtype)
            assert values.size == count, "the payload ends too early"
            # Column-major: output j's weights are contiguous.
            layer.sections[name] = values.reshape(layer.hidden, layer.visible).T if name == "weights" else values
            at += padded(size)
    assert at == len(payload), "the payload is longer than its sections"
    return File(levels, layers, names.split("\n") if names else [], novelty, provenance)


def read_layer_header(header):
    """One layer of the header."""
    kind = KINDS[header.varint()]
    integer = (False, True)[header.varint()]
    down_shift = header.u8() if integer else 0
    return Layer(kind, integer, down_shift, header.varint(), header.varint())


def sections(layer):
    """Name, type and length of a layer's sections, in order."""
    number, bias = ("i1", "<i4") if layer.integer else ("<f4", "<f4")
    two_ways = layer.kind in (MACHINE, GENERATIVE)
    yield "weights", number, layer.visible * layer.hidden
    if two_ways:
        yield "visible_bias", bias, layer.visible
    yield "hidden_bias", bias, layer.hidden
    if layer.integer:
        yield "rescale", RESCALE, layer.hidden
        if two_ways:
            yield "down_steps", "<u2", layer.hidden
