"""What an f32 file means, in float64: "Units" in ebm-core/FORMAT.md, over machine.py."""

import numpy as np

import units
from machine import Block, ClassRbm, Machine
from model_file import VISIBLE


def machine(layer):
    """The machine of a layer with a way down; of a directed one its generative half."""
    sections = layer.sections
    weights = sections.get("generative", sections["weights"])
    blocks, sigma = [], list(sections.get("sigma", ()))
    for kind, count in sections.get("blocks", ()):
        own = tuple(float(sigma.pop(0)) for _ in range(count)) if VISIBLE[kind] == "gaussian" else ()
        blocks.append(Block("softmax" if VISIBLE[kind] == "label" else VISIBLE[kind], int(count), own))
    blocks = blocks or [Block("bernoulli", layer.visible)]
    parameters = (weights, sections["visible_bias"], sections["hidden_bias"])
    return (ClassRbm if layer.labels else Machine)(blocks, layer.hidden_kind, *parameters)


def values(file, raw):
    """Raw inputs as values."""
    rule, number = file.input
    raw = np.asarray(raw, dtype=np.float64)
    if rule == "Levels":
        raw = np.clip(raw, 0, number) / number
    elif rule == "Binary":
        raw = 1.0 * (raw > number)
    elif rule == "Scaled":
        offsets, scales = (np.tile(file.scaling[name], raw.size // number) for name in ("offsets", "scales"))
        raw = (raw - offsets) * scales
    name, above = file.presentation["training"]
    return 1.0 * (raw > above) if name == "Threshold" and rule in ("Unit", "Scaled") else raw


def free_energy(file, x):
    """Free energy of inputs `x` under layer 0, of a ClassRBM whatever the class; none where that is no machine."""
    if file.layers[0].kind == "Directed":
        return None
    of_inputs = machine(file.layers[0])
    return of_inputs.input_free_energy(x) if file.layers[0].labels else of_inputs.free_energy(x)


def recognise(file, x):
    """Means of every layer of the recognition pass below the classes, and the classes' scores, if there are any."""
    means = []
    for layer in file.recognition():
        if layer.labels:
            return means, -machine(layer).free_energies(x)
        z = layer.sections["hidden_bias"].astype(np.float64) + x @ layer.sections["weights"].astype(np.float64)
        if layer.kind == "Head":
            return means, z
        if layer.kind == "Rectifier":
            x = np.maximum(z, 0)
        else:
            x = units.stepped_mean(z) if layer.hidden_kind == "relu" else units.sigmoid(z)
        means.append(x)
    return means, []


def means_down(file, top):
    """Means of the inputs given a visible state of the top machine."""
    for layer in reversed(file.recognition()[:-1]):
        top = machine(layer).visible_mean(top)
    return top
