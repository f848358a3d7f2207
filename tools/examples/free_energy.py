"""Free energies of a machine that ebm-train exported, in NumPy alone, beside ebm-train's own.

    ebm-train export model-f32.ebm --out weights.npz                   # or .safetensors
    ebm-train data convert digits --out digits.npz                     # raw samples: x_train, x_test
    ebm-train eval model-f32.ebm --data digits --answers answers.npz
    python3 tools/examples/free_energy.py weights.npz digits.npz answers.npz

What the arrays are called and mean: ebm-train/ARRAYS.md. For Bernoulli hidden units and visible units of every kind.
"""

import json
import struct
import sys

import numpy as np


def load(path):
    if not path.endswith(".safetensors"):
        return dict(np.load(path))
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        payload = file.read()
    arrays = dict(header.pop("__metadata__", {}))
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        arrays[name] = np.frombuffer(payload[begin:end], "<f4").reshape(tensor["shape"])
    return arrays


def values(raw, arrays, metadata):
    """What the machine takes of raw samples: the file's scaling, then the threshold of its training."""
    kind, means = metadata["header"]["input"], metadata["presentation"]["training"]
    if "Binary" in kind:
        return np.float64(raw > kind["Binary"]["threshold"])
    if "Levels" in kind:
        return np.clip(raw, 0, kind["Levels"]["max"]) / kind["Levels"]["max"]
    if "Scaled" in kind:
        steps = raw.shape[1] // len(arrays["scaling.offsets"])
        raw = (raw - np.tile(arrays["scaling.offsets"], steps)) * np.tile(arrays["scaling.scales"], steps)
    return np.float64(raw > np.float32(means["threshold"]["above"])) if "threshold" in means else raw


def free_energies(v, arrays, metadata):
    """F(v) = Σ_i U_i(v_i) − Σ_j ln(1 + e^(b_j + Σ_i v_i·W_ij)), in nats; of a ClassRBM −ln Σ_y e^(−F(v, y))."""
    prefix = next(prefix for prefix in ("machine.", "", "layer0.") if prefix + "visible_bias" in arrays)
    w, a, b = (np.float64(arrays[prefix + name]) for name in ("weights", "visible_bias", "hidden_bias"))
    units = metadata["units"][prefix]
    assert units["hidden"] == "Bernoulli", "a rectified unit's term is another: ebm-core/src/units.rs"
    kinds = np.concatenate([[kind] * count for kind, count in units["visible"]] or [["bernoulli"] * len(a)])
    sigma = np.ones(len(a))
    sigma[kinds == "gaussian"] = arrays.get(prefix + "sigma", [])
    labels = np.eye(len(a))[kinds == "label"]
    states = [v] if not len(labels) else [np.pad(v, ((0, 0), (0, len(labels)))) + label for label in labels]
    energies = []
    for v in states:
        of_visible = np.where(kinds == "gaussian", 0.5 * ((v - a) / sigma) ** 2, -a * v).sum(1)
        energies.append(of_visible - np.logaddexp(0, v @ w + b).sum(1))
    return -np.logaddexp.reduce([-energy for energy in energies])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    weights, samples, answers = (load(path) for path in sys.argv[1:4])
    metadata = json.loads(str(weights["metadata"]))
    raw = samples["x_test" if "x_test" in samples else "x_train"]
    ours = free_energies(values(raw.reshape(len(raw), -1).astype(np.float64), weights, metadata), weights, metadata)
    # Of a nat where one is smaller than that.
    relative = (np.abs(ours - answers["free_energy"]) / np.maximum(1, np.abs(ours))).max()
    print(f"{len(ours)} free energies, mean {ours.mean():.4f} nats; ebm-train's differ by {relative:.1e} of themselves at most")
    sys.exit(not relative <= 1e-5)
