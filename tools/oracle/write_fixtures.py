"""An independent reference of the numerics, in NumPy and float64; writes tests/fixtures/oracle.

    python3 tools/oracle/write_fixtures.py            test the oracle against itself, then write the fixtures
    python3 tools/oracle/write_fixtures.py --check    … then say whether the stored ones are what it would write

It is written from the equations (machine.py, units.py, dbn.py, philox.py) and from ebm-core/FORMAT.md (model_file.py,
integers.py), never from the Rust code. self_test.py holds it to enumeration, integration and finite differences;
cases.py has the machines. tests/oracle.rs holds ebm-core to what it wrote. Needs NumPy and Python 3.10 or later.

Parameters and states are f32 numbers, printed so that they are read back as exactly these. Numbers count as the same
within 1e-12, relative to the larger of their size and 1: libraries differ in the last bits of exp and ln.
"""

import argparse
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import numpy as np

import cases
import integers
import model_file
import real_numbers
import self_test
import units
from machine import Update
from philox import philox, stream

MODELS = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
FOLDER = MODELS / "oracle"
BETAS = (0.25, 2.0)
SAME = 1e-12


def described(machine):
    """A machine's parameters; `weights` has a row for each visible unit."""
    blocks = [{"kind": b.kind, "units": b.units, "sigma": list(b.sigma)} for b in machine.blocks]
    return {
        "blocks": blocks,
        "hidden": machine.hidden,
        "weights": machine.w,
        "visible_bias": machine.a,
        "hidden_bias": machine.b,
    }


def state(machine, v, h):
    """All that a machine says of one pair of states."""
    return {
        "v": v,
        "h": h,
        "energy": machine.energy(v, h),
        "free_energy": machine.free_energy(v),
        "hidden_field": machine.hidden_field(v),
        "hidden_mean": machine.hidden_mean(v),
        "hidden_variance": machine.hidden_variance(v),
        "visible_input": machine.visible_input(h),
        "visible_mean": machine.visible_mean(h),
        "visible_variance": machine.visible_variance(h),
        "tempered": [
            {
                "beta": beta,
                "log_weight": machine.log_weight(v, beta),
                "hidden_mean": machine.hidden_mean(v, beta),
                "visible_mean": machine.visible_mean(h, beta),
                "visible_variance": machine.visible_variance(h, beta),
            }
            for beta in BETAS
        ],
    }


def machines():
    """Energies, free energies, conditionals; where all states can be gone through, log Z and the gradient."""
    for name, machine, states in cases.machines():
        document = {"name": name, **described(machine), "states": [state(machine, v, h) for v, h in states]}
        if machine.enumerable() and not name.startswith("extremes"):
            document["log_partition"] = machine.log_partition()
            document["log_partition_tempered"] = [{"beta": b, "value": machine.log_partition(b)} for b in BETAS]
            for v, entry in zip((v for v, _ in states), document["states"]):
                entry["log_probability"] = machine.log_weight(v) - document["log_partition"]
            for key, statistics in (
                ("expected", machine.model_statistics()),
                ("gradient", machine.gradient([v for v, _ in states])),
            ):
                document[key] = dict(zip(("weights", "visible_bias", "hidden_bias"), statistics))
        yield document


def class_machines():
    """Class posteriors and free energies."""
    for name, machine, inputs in cases.class_machines():
        answers = [
            {
                "x": x,
                "free_energies": machine.free_energies(x),
                "posterior": machine.posterior(x),
                "free_energy": machine.input_free_energy(x),
            }
            for x in inputs
        ]
        yield {"name": name, **described(machine), "inputs": answers}


def dbns():
    """Recognition and generation in means; ln p(v) with one lower layer."""
    for name, network, inputs, states in cases.dbns():
        document = {"name": name, "lower": [vars(layer) for layer in network.lower], "top": described(network.top)}
        document["head"] = dict(zip(("weights", "bias"), network.head)) if network.head else None
        document["up"] = [{"v": v, "layers": network.recognise(v)} for v in inputs]
        document["down"] = [{"h": h, "layers": network.generate(h)} for h in states]
        if len(network.lower) == 1:
            for entry in document["up"]:
                entry["log_probability"] = network.log_probability(entry["v"])
        yield document


def updates():
    """One step of CD-1 from one sample: h ~ p(h | v), v' ~ p(v | h), then the update, with hidden means throughout.

    A velocity is a step divided by the learning rate.
    """
    chosen = ("bernoulli", "bernoulli-wide", "gaussian", "softmax-groups", "mixed", "bernoulli-relu", "mixed-relu")
    update = Update(*cases.rounded((0.05, 0.9, 0.001)).tolist())
    names = ("weights", "visible_bias", "hidden_bias")
    for seed, (name, machine, states) in enumerate((m for m in cases.machines() if m[0] in chosen), start=700):
        random = np.random.RandomState(seed)
        (v, _), *_ = states
        words = stream(seed, machine.b.size + machine.a.size)
        h = machine.draw_hidden(v, words[: machine.b.size])
        model = machine.draw_visible(h, words[machine.b.size :])
        before = [cases.rounded(random.standard_normal(p.shape)) for p in (machine.w, machine.a, machine.b)]
        pairs = [[(state, machine.hidden_mean(state))] for state in (v, model)]
        after, steps = update.step(machine, *pairs, [update.rate * velocity for velocity in before])
        yield {
            "name": name,
            **described(machine),
            "rate": update.rate,
            "momentum": update.momentum,
            "decay": update.decay,
            "seed": seed,
            "data": v,
            "drawn": h,
            "model": model,
            "velocities_before": dict(zip(names, before)),
            "velocities": dict(zip(names, (step / update.rate for step in steps))),
            "after": dict(zip(names, after)),
        }


def stepped():
    """The functions of a relu unit over its field."""
    z = cases.rounded(
        [-100, -30, -10, -3.3, -1, -0.5, -0.01, 0, 0.01, 0.25, 0.5, 0.75, 1, 1.5, 2, 3.7, 10, 29.5, 30, 100]
    )
    softplus, mean, variance = units.stepped_softplus(z), units.stepped_mean(z), units.stepped_variance(z)
    potential = [units.stepped_potential(h) for h in range(12)]
    yield {"fields": z, "softplus": softplus, "mean": mean, "variance": variance, "potential": potential}


def integer_models():
    """Integer files: all that the integer path says of some inputs, in its own units."""
    for name, inputs in (
        ("v1-tiny-int8", ([0, 0, 0], [16, 16, 16], [16, 0, 8], [1, 15, 7])),
        ("v3-tiny-scaled-int8", ([100, -32768, 0], [1100, 32767, 1], [607, -1234, -5], [2**31 - 1, 123, 7])),
        ("digits-int8", cases.pictures()),
    ):
        file = model_file.read((MODELS / f"{name}.ebm").read_bytes())
        machine = file.machine()
        entries = []
        for seed, raw in enumerate(inputs, start=2**33 + 900):
            x = integers.values(file, raw)
            drawn = integers.gibbs_step(machine, x, stream(seed, machine.hidden + machine.visible))
            *hidden, scores = integers.recognise(file, x)
            fields = integers.up(machine, x)
            states = integers.mean(fields)
            entries.append(
                {
                    "raw": raw,
                    "x": x,
                    "hidden_fields": fields,
                    "hidden_means": states,
                    "free_energy": integers.free_energy(machine, x),
                    "visible_means": integers.mean(integers.down(machine, states)),
                    "seed": seed,
                    "drawn": drawn,
                    "hidden": hidden,
                    "scores": scores,
                    "class": int(np.argmax(scores)),
                }
            )
        yield {"file": f"{name}.ebm", "inputs": entries}


def float_models():
    """f32 files: the same in real numbers."""
    for name, inputs in (
        ("v1-tiny-f32", ([0.0, 0, 0], [1.0, 0, 1], [0.5, 1, 0.25])),
        ("v2-tiny-classrbm", ([0.0, 0, 1, 0], [1.0, -3.5, 0, 1], [0.5, 7, 0, 1])),
        ("v2-tiny-dbn", ([0, 127], [128, 65535], [300, 0])),
        ("v3-tiny-scaled-f32", ([0.5, -2, 4.5, -1.5], [1.5, -1.75, -3.5, -2], [0, 0, 0.25, -1.875])),
        ("v3-tiny-picture", ([0.25, 0.5, 0.75], [0.5625, 1, 0], [0, 0, 1])),
        ("digits-f32", cases.pictures()),
    ):
        file = model_file.read((MODELS / f"{name}.ebm").read_bytes())
        entries = []
        for raw in inputs:
            v = real_numbers.values(file, raw)
            layers, scores = real_numbers.recognise(file, v)
            entry = {"raw": np.asarray(raw, dtype=np.float64), "v": v, "layers": layers, "scores": scores}
            entries.append({**entry, "free_energy": real_numbers.free_energy(file, v)})
        document = {"file": f"{name}.ebm", "inputs": entries, "down": []}
        if file.layers[0].kind == "Directed":
            tops = [np.array(top) for top in ([0.0, 0.0], [1.0, 0.0], [0.25, 1.0])]
            document["down"] = [{"top": top, "means": real_numbers.means_down(file, top)} for top in tops]
        yield document


def random_words():
    """Counters and keys with Philox's words."""
    random = np.random.RandomState(800)
    for _ in range(16):
        words = [int(word) for word in random.randint(0, 2**32, 6, dtype=np.uint64)]
        yield {"counter": words[:4], "key": words[4:], "words": philox(words[:4], words[4:])}


DOCUMENTS = {
    "machines.json": machines,
    "class_machines.json": class_machines,
    "dbns.json": dbns,
    "updates.json": updates,
    "stepped.json": stepped,
    "integer_models.json": integer_models,
    "float_models.json": float_models,
    "philox.json": random_words,
}


def plain(value):
    """`value` as JSON has it: dictionaries, lists, numbers, strings."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value


def text(value, indent=""):
    """JSON with one list of numbers a line."""
    inner = indent + " "
    if isinstance(value, dict):
        entries = [f"{json.dumps(key)}: {text(entry, inner)}" for key, entry in value.items()]
    elif isinstance(value, list) and any(isinstance(entry, (dict, list)) for entry in value):
        entries = [text(entry, inner) for entry in value]
    else:
        return json.dumps(value, allow_nan=False)
    open_, close = "{}" if isinstance(value, dict) else "[]"
    return open_ + "\n" + ",\n".join(inner + entry for entry in entries) + "\n" + indent + close


def differences(stored, written, at=""):
    """Where two documents differ by more than rounding."""
    if isinstance(written, dict) and isinstance(stored, dict) and list(stored) == list(written):
        pairs = ((f"{at}.{key}", stored[key], written[key]) for key in written)
    elif isinstance(written, list) and isinstance(stored, list) and len(stored) == len(written):
        pairs = ((f"{at}[{index}]", old, new) for index, (old, new) in enumerate(zip(stored, written)))
    else:
        floats = type(stored) is float and type(written) is float
        if stored != written and not (floats and abs(stored - written) <= SAME * max(1.0, abs(written))):
            yield f"{at}: stored is {str(stored)[:60]}, the oracle says {str(written)[:60]}"
        return
    for place, old, new in pairs:
        yield from differences(old, new, place)


def main():
    parser = argparse.ArgumentParser(description="Writes or checks tests/fixtures/oracle.")
    parser.add_argument("--check", action="store_true", help="compare the stored fixtures instead of writing them")
    check = parser.parse_args().check
    self_test.run(MODELS)
    print("the oracle agrees with itself")

    if not check:
        FOLDER.mkdir(exist_ok=True)
    wrong = [f"{path.name}: not one of the oracle's" for path in FOLDER.iterdir() if path.name not in DOCUMENTS]
    for name, document in DOCUMENTS.items():
        path, content = FOLDER / name, plain(list(document()))
        if not check:
            path.write_text(text(content) + "\n")
        elif not path.exists():
            wrong.append(f"{name}: is not there")
        else:
            wrong.extend(f"{name}{place}" for place in differences(json.loads(path.read_text()), content))
    for line in wrong[:20]:
        print(line)
    print(f"{len(wrong)} differences in {len(DOCUMENTS)} fixtures" if check else f"{len(DOCUMENTS)} fixtures written")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
