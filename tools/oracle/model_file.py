"""A reader of `model.ebm`, versions 1 to 3 in f32 and int8, written from ebm-core/FORMAT.md alone."""

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

MAGIC = b"EBM\x1a"
KINDS = ("BernoulliRbm", "Head", "Generative", "Sigmoid", "Rbm", "GenerativeRbm", "Directed", "Rectifier")
KINDS_OF_VERSION_1 = KINDS[:4]
BESIDE = ("Generative", "GenerativeRbm")
WITH_BLOCKS = ("Rbm", "GenerativeRbm", "Directed")
VISIBLE = ("bernoulli", "gaussian", "softmax", "label")
HIDDEN = ("bernoulli", "relu")
RESCALE = np.dtype([("multiplier", "<u2"), ("pre", "u1"), ("post", "u1")])
INPUTS = (("Unit", None), ("Levels", "max"), ("Binary", "threshold"), ("Scaled", "channels"))
BINARISATIONS = ("None", "Threshold", "SampledOnce", "SampledEachTime")
BLOCK = np.dtype([("kind", "<u4"), ("units", "<u4")])
# Sections of scaled inputs, in f32 and in integers.
SCALING = {
    False: (("offsets", "<f4"), ("scales", "<f4")),
    True: (("offsets", "<i4"), ("scales", RESCALE), ("counts", "<f4")),
}


@dataclass
class Layer:
    """One layer: its shape and its sections by name. `weights` and `generative` are V × H."""

    kind: str
    integer: bool
    down_shift: int
    visible: int
    hidden: int
    blocks: int = 0
    labels: int = 0
    hidden_kind: str = "bernoulli"
    sections: dict = field(default_factory=dict)


@dataclass
class File:
    """One model file. `input` is a rule's name and its number; `scaling` its sections by name, where it is Scaled."""

    input: tuple
    scaling: dict
    layers: list
    labels: list
    novelty: tuple | None
    provenance: dict
    presentation: dict

    def machine(self):
        """Layer 0, whose free energies and samples the model has."""
        return self.layers[0]

    def recognition(self):
        """The layers of a recognition pass."""
        return [layer for layer in self.layers if layer.kind not in BESIDE]


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
    assert version in (1, 2, 3) and header_length <= 4096
    start = padded(32 + header_length)
    assert len(data) == start + payload_length
    assert struct.unpack("<I", data[28:32])[0] == zlib.crc32(data[:28] + data[32:start])
    payload = data[start:]
    assert payload_crc == zlib.crc32(payload)

    header = Postcard(data[32 : 32 + header_length])
    number = header.varint()
    assert number <= version, "a rule of a later version"
    rule, has_number = INPUTS[number]
    rule = (rule, header.varint() if has_number else None)
    layers = [read_layer_header(header, version) for _ in range(header.varint())]
    names = header.string()
    novelty = header.option(lambda: (header.i32(), header.f32()))
    provenance = {
        "dataset": header.string(),
        "dataset_crc32": header.varint(),
        "seed": header.varint(),
        "test_accuracy": header.option(header.f32),
        "tool": header.string(),
    }
    presentation = {"image": None, "training": ("None", None), "test": ("None", None)}
    if version >= 3:
        presentation["image"] = header.option(lambda: (header.varint(), header.varint()))
        presentation["training"] = read_binarisation(header)
        presentation["test"] = read_binarisation(header)
    assert header.at == header_length, "the header is longer than its fields"

    at = 0

    def section(dtype, count):
        nonlocal at
        size = np.dtype(dtype).itemsize * count
        values = np.frombuffer(payload[at : at + size], dtype=dtype)
        assert values.size == count, "the payload ends too early"
        at += padded(size)
        return values

    def take(name, dtype, count):
        values = section(dtype, count)
        # Column-major: output j's weights are contiguous.
        square = name in ("weights", "generative")
        layer.sections[name] = values.reshape(layer.hidden, layer.visible).T if square else values

    scaling = {}
    if rule[0] == "Scaled":
        inputs = layers[0].visible - layers[0].labels
        assert rule[1] > 0 and inputs % rule[1] == 0, "no multiple of the channels"
        for name, dtype in SCALING[layers[0].integer]:
            scaling[name] = section(dtype, rule[1])
    for layer in layers:
        read_sections(layer, take)
    assert at == len(payload), "the payload is longer than its sections"
    return File(rule, scaling, layers, names.split("\n") if names else [], novelty, provenance, presentation)


def read_binarisation(header):
    """What became of values between 0 and 1: its name, and its threshold or seed."""
    name = BINARISATIONS[header.varint()]
    return name, header.f32() if name == "Threshold" else header.varint() if name == "SampledOnce" else None


def read_layer_header(header, version):
    """One layer of the header."""
    kind = KINDS[header.varint()]
    assert version >= 2 or kind in KINDS_OF_VERSION_1, "a kind of version 2"
    blocks, labels, hidden_kind = 0, 0, HIDDEN[0]
    if kind in WITH_BLOCKS:
        blocks, labels, hidden_kind = header.varint(), header.varint(), HIDDEN[header.varint()]
    integer = (False, True)[header.varint()]
    assert kind in KINDS_OF_VERSION_1 or not integer, "kinds of version 2 are in f32"
    down_shift = header.u8() if integer else 0
    visible, hidden = header.varint(), header.varint()
    return Layer(kind, integer, down_shift, visible, hidden, blocks, labels, hidden_kind)


def read_sections(layer, take):
    """Calls `take` with the name, type and length of a layer's sections, in order."""
    number, bias = ("i1", "<i4") if layer.integer else ("<f4", "<f4")
    two_ways = layer.kind in ("BernoulliRbm", "Rbm", *BESIDE)
    take("weights", number, layer.visible * layer.hidden)
    if two_ways:
        take("visible_bias", bias, layer.visible)
    take("hidden_bias", bias, layer.hidden)
    if layer.integer:
        take("rescale", RESCALE, layer.hidden)
        if two_ways:
            take("down_steps", "<u2", layer.hidden)
    if layer.kind == "Directed":
        take("generative", number, layer.visible * layer.hidden)
        take("visible_bias", bias, layer.visible)
    if layer.kind in WITH_BLOCKS:
        take("blocks", BLOCK, layer.blocks)
        blocks = layer.sections["blocks"]
        take("sigma", "<f4", int(blocks["units"][blocks["kind"] == VISIBLE.index("gaussian")].sum()))
