"""The integer path, written from "What the integers mean" in ebm-core/FORMAT.md alone, in int64.

Values are in 1/128, from 0 to 128; fields, scores and energies in 2^-12 nats.
"""

import numpy as np

ONE = 128
STEPS = np.arange(385) / 32
# σ(k/32) and ln(1 + e^(−k/32)) in 2^-16, rounded to nearest, halves upwards.
SIGMOID = np.minimum(np.floor(2**16 / (1 + np.exp(-STEPS)) + 0.5), 65535).astype(np.int64)
SOFTPLUS = np.floor(2**16 * np.log1p(np.exp(-STEPS)) + 0.5).astype(np.int64)


def shift(a, n):
    """a ≫ n = ⌊(a + ⌊2^n / 2⌋) / 2^n⌋."""
    a, n = np.asarray(a, dtype=np.int64), np.asarray(n, dtype=np.int64)
    return (a + (np.int64(1) << n) // 2) >> n


def interpolated(table, field):
    """`table` at |field|, its last value from 12 nats on."""
    magnitude = np.abs(np.asarray(field, dtype=np.int64))
    k, f = np.minimum(magnitude // 128, 383), magnitude % 128
    between = shift(table[k] * (128 - f) + table[k + 1] * f, 7)
    return np.where(magnitude >= 12 * 4096, table[384], between)


def probability(field):
    """σ in 2^-16."""
    q = interpolated(SIGMOID, field)
    return np.where(np.asarray(field) < 0, 65536 - q, q)


def softplus(field):
    """softplus in 2^-12 nats."""
    return np.maximum(field, 0) + shift(interpolated(SOFTPLUS, field), 4)


def values(file, raw):
    """Raw inputs as values."""
    rule, number = file.input
    raw = np.asarray(raw, dtype=np.int64)
    if rule == "Levels":
        return (128 * np.clip(raw, 0, number) + number // 2) // number
    assert rule == "Scaled"
    repeats = raw.size // number
    offsets = np.tile(file.scaling["offsets"].astype(np.int64), repeats)
    scales = np.tile(file.scaling["scales"], repeats)
    held = np.clip(shift(np.clip(raw, -(2**29), 2**29) - offsets, scales["pre"]), -32767, 32767)
    return np.clip(shift(held * scales["multiplier"].astype(np.int64), scales["post"]), 0, ONE)


def mean(field):
    """A probability as a value."""
    return shift(probability(field), 9)


def up(layer, x):
    """Fields of a layer's hidden units, or a head's scores, for values `x`."""
    s = {name: values.astype(np.int64) for name, values in layer.sections.items() if name != "rescale"}
    rescale = layer.sections["rescale"]
    total = s["hidden_bias"] + np.asarray(x, dtype=np.int64) @ s["weights"]
    held = np.clip(shift(total, rescale["pre"]), -32767, 32767)
    return shift(held * rescale["multiplier"].astype(np.int64), rescale["post"])


def down(layer, x):
    """Fields of a layer's visible units for hidden values `x`."""
    s = {name: layer.sections[name].astype(np.int64) for name in ("weights", "visible_bias", "down_steps")}
    contributions = shift(s["down_steps"] * np.asarray(x, dtype=np.int64), 7)
    return s["visible_bias"] + shift(s["weights"] @ contributions, layer.down_shift)


def free_energy(layer, x):
    """Free energy of values `x`."""
    bias = layer.sections["visible_bias"].astype(np.int64)
    energy = -shift(np.dot(bias, np.asarray(x, dtype=np.int64)), 7) - softplus(up(layer, x)).sum()
    return int(np.clip(energy, -(2**31), 2**31 - 1))


def recognise(file, x):
    """The outputs of every layer of a recognition pass: values, and scores of a head."""
    outputs = []
    for layer in file.recognition():
        field = up(layer, x)
        x = field if layer.kind == "Head" else mean(field)
        outputs.append(x)
    return outputs


def draw(field, draws):
    """States of units with these fields: on (128) when the upper 16 bits of a draw are less than the probability."""
    return np.where(np.asarray(draws, dtype=np.int64) >> 16 < probability(field), ONE, 0)


def gibbs_step(layer, x, draws):
    """Hidden states drawn given values `x`, then visible states given those: one draw a unit, in that order."""
    hidden = draw(up(layer, x), draws[: layer.hidden])
    return hidden, draw(down(layer, hidden), draws[layer.hidden : layer.hidden + layer.visible])
