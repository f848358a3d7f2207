"""What the oracle is held to before its numbers are believed: enumeration, integration and finite differences."""

import numpy as np

import cases
import integers
import model_file
import units
from machine import Block, Machine
from philox import KNOWN, philox

# Sums of a few thousand terms of a few hundred nats in float64.
SAME = 1e-10
# Central differences of a log-likelihood: truncation s²/6 |f‴|, third derivatives being up to 10⁴ where units have
# σ = 10, and rounding 1e−12/s.
DIFFERENCE, STEP = 1e-6, 1e-5
BETAS = (0.25, 1.0, 2.0)


def run(fixtures):
    """Every check; AssertionError where one does not hold. `fixtures` is the folder of the model files."""
    random_numbers()
    functions()
    stepped_units()
    gaussian_integral()
    machines()
    classes()
    networks()
    integer_machine(fixtures)
    scaled_inputs(fixtures)


def same(left, right, bound=SAME):
    """Equal within `bound`, relative to the larger of the size and 1."""
    left, right = np.asarray(left), np.asarray(right)
    worst = np.max(np.abs(left - right) / np.maximum(1.0, np.abs(right)), initial=0.0)
    assert worst <= bound, f"{left} and {right} differ by {worst}, allowed are {bound}"


def random_numbers():
    """Random123's known answers."""
    for counter, key, output in KNOWN:
        assert philox(counter, key) == output


def functions():
    """Identities of the sigmoid and softplus, and their tails."""
    z = np.array([-800, -100, -30, -1, 0, 1e-9, 3, 30, 100, 800])
    same(units.sigmoid(z) + units.sigmoid(-z), np.ones_like(z))
    same(units.softplus(z) - units.softplus(-z), z)
    same(units.sigmoid(-30.0) / np.exp(-30.0), 1 - np.exp(-30.0))
    same(units.softmax([100.0, -100.0, 0.0]), [1, 0, 0])


def stepped_units():
    """The q-binomial theorem: counting states and multiplying copies give the same sum, mean and variance."""
    for beta in BETAS:
        states = np.arange(400)
        potential = np.array([units.stepped_potential(h, beta) for h in states])
        for z in (-100.0, -30.0, -2.5, 0.0, 0.3, 17.0, 100.0):
            logs = beta * z * states - potential
            total = units.log_sum_exp(logs)
            p = np.exp(logs - total)
            mean = np.sum(p * states)
            same(units.stepped_softplus(z, beta), total)
            same(units.stepped_mean(z, beta), mean)
            same(units.stepped_variance(z, beta), np.sum(p * (states - mean) ** 2), 1e-8)


def gaussian_integral():
    """Integrals over one Gaussian unit, by the trapezium rule (which converges geometrically here)."""
    for hidden in ("bernoulli", "relu"):
        machine = Machine([Block("gaussian", 1, (0.7,))], hidden, [[0.8, -0.6]], [0.4], [0.2, -1.0])
        v, step = np.linspace(-40, 40, 16001, retstep=True)
        for beta in BETAS:
            logs = machine.log_weight(v[:, None], beta)
            same(units.log_sum_exp(logs) + np.log(step), machine.log_partition(beta))
            h = np.array([1.0, 3.0 if hidden == "relu" else 0.0])
            p = np.exp(-beta * (machine.visible_energy(v[:, None]) - v * machine.visible_input(h)[0]))
            mean = np.sum(p * v) / np.sum(p)
            same(machine.visible_mean(h, beta), mean)
            same(machine.visible_variance(h, beta), np.sum(p * (v - mean) ** 2) / np.sum(p))


def machines():
    """Every machine of the fixtures against its energy alone."""
    for name, machine, states in cases.machines():
        hidden = machine.hidden_states() if machine.hidden == "bernoulli" else None
        for v, h in states:
            if hidden is not None:
                logs = -machine.energy(v, hidden)
                same(-machine.free_energy(v), units.log_sum_exp(logs))
                for beta in BETAS:
                    p = np.exp(beta * logs - units.log_sum_exp(beta * logs))
                    same(machine.log_weight(v, beta), units.log_sum_exp(beta * logs))
                    same(machine.hidden_mean(v, beta), p @ hidden)
                    same(machine.hidden_variance(v, beta), p @ np.square(hidden) - (p @ hidden) ** 2)
            if machine.visible_bits() <= 10:
                visible = machine.visible_states()
                for beta in BETAS:
                    logs = -beta * machine.energy(visible, h)
                    p = np.exp(logs - units.log_sum_exp(logs))
                    same(machine.visible_mean(h, beta), p @ visible)
                    same(machine.visible_variance(h, beta), p @ np.square(visible) - (p @ visible) ** 2)
        if max(machine.visible_bits(), machine.hidden_bits()) <= 12:
            for beta in BETAS:
                same(machine.log_partition_over_visible(beta), machine.log_partition_over_hidden(beta))
        if machine.enumerable() and not name.startswith("extremes"):
            gradients(machine, [v for v, _ in states])


def gradients(machine, data):
    """The gradient of the log-likelihood against central differences, in a few parameters of each kind."""

    def likelihood():
        return np.mean(machine.log_weight(np.array(data))) - machine.log_partition()

    for parameter, gradient in zip((machine.w, machine.a, machine.b), machine.gradient(data)):
        flat, expected = parameter.reshape(-1), gradient.reshape(-1)
        for index in {0, flat.size // 2, flat.size - 1}:
            kept, values = flat[index], []
            for side in (STEP, -STEP):
                flat[index] = kept + side
                values.append(likelihood())
            flat[index] = kept
            same((values[0] - values[1]) / (2 * STEP), expected[index], DIFFERENCE)


def classes():
    """Class posteriors against the joint distribution of classes and hidden states."""
    for _, machine, inputs in cases.class_machines():
        for x in inputs:
            joint = []
            for y in np.eye(machine.classes()):
                v = np.concatenate([x, y])
                if machine.hidden == "bernoulli":
                    joint.append(units.log_sum_exp(-machine.energy(v, machine.hidden_states())))
                else:
                    joint.append(machine.log_weight(v))
            same(machine.posterior(x), np.exp(np.array(joint) - units.log_sum_exp(joint)))
            same(machine.input_free_energy(x), -units.log_sum_exp(joint))


def networks():
    """A DBN's probabilities sum to 1; with the machine's own weights below, it is that machine."""
    for _, network, _, _ in cases.dbns():
        if len(network.lower) > 1:
            continue
        visible = network.lower[0].a.size
        bits = Machine([Block("bernoulli", visible)], "bernoulli", np.zeros((visible, 1)), np.zeros(visible), [0.0])
        same(units.log_sum_exp([network.log_probability(v) for v in bits.visible_states()]), 0.0)

    below = cases.random_machine(1, [Block("bernoulli", 5)], "bernoulli", 4, 1.0)
    layer = cases.Directed(below.w, below.b, below.w, below.a)
    turned = Machine([Block("bernoulli", 4)], "bernoulli", below.w.T, below.b, below.a)
    network = cases.Dbn([layer], turned)
    for v in below.visible_states():
        same(network.log_probability(v), below.log_weight(v) - below.log_partition())


def integer_machine(fixtures):
    """The integer path against the real machine that FORMAT.md says its numbers stand for."""
    file = model_file.read((fixtures / "v1-tiny-int8.ebm").read_bytes())
    layer = file.machine()
    rescale = layer.sections["rescale"]
    scale = 128.0 * rescale["multiplier"] / 2.0 ** (rescale["pre"].astype(np.float64) + rescale["post"] + 12)
    machine = Machine(
        [Block("bernoulli", layer.visible)],
        "bernoulli",
        layer.sections["weights"] * scale,
        layer.sections["visible_bias"] / 4096,
        layer.sections["hidden_bias"] * scale / 128,
    )
    steps = layer.sections["down_steps"] / 2.0 ** (layer.down_shift + 12)
    # Half a unit of each shift: the first carried through the product by multiplier/2^post, 64 units at most here.
    field_bound = 65 / 4096
    for x in ([0, 0, 0], [128, 128, 128], [128, 0, 64], [8, 120, 56]):
        v = np.array(x) / 128
        same(integers.up(layer, x) / 4096, machine.hidden_field(v), field_bound)
        same(integers.mean(integers.up(layer, x)) / 128, machine.hidden_mean(v), field_bound / 4 + 2**-8 + 2**-12)
        same(integers.free_energy(layer, x) / 4096, machine.free_energy(v), 2 * field_bound + 2**-10)
        h = np.array(x[:2]) / 128
        field = layer.sections["visible_bias"] / 4096 + (layer.sections["weights"] * steps) @ h
        # Half a step for each of two hidden units with weights of at most 127, shifted; half a unit.
        same(integers.down(layer, x[:2]) / 4096, field, (127 / 2**layer.down_shift + 0.5) / 4096)


def scaled_inputs(fixtures):
    """Counts as integers scale them against the real offsets and scales that FORMAT.md says they stand for."""
    file = model_file.read((fixtures / "v3-tiny-scaled-int8.ebm").read_bytes())
    offsets, scales = file.scaling["offsets"], file.scaling["scales"]
    a_count = scales["multiplier"] / 2.0 ** (scales["pre"].astype(np.float64) + scales["post"] + 7)
    for raw in np.random.RandomState(7).randint(-40_000, 40_000, (200, 3)):
        exact = np.clip((raw - offsets) * a_count, 0, 1)
        # Half a unit, and half a count of the first shift.
        bound = 2**-8 + a_count * 2.0 ** scales["pre"] / 2
        # The switch is a step: its scale is that of no channel between 0 and 1.
        same(integers.values(file, raw)[:2] / 128, exact[:2], bound[:2].max())
