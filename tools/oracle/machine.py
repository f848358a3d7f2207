"""Restricted Boltzmann machines with blocks of visible units of several kinds.

    E(v, h) = Σ_i U_i(v_i) + Σ_j U_j(h_j) − vᵀ W h,    W is V × H

visible blocks, one after another, x_i = Σ_j W_ij h_j:
    bernoulli   v ∈ {0, 1},       U = −a v,             p(v = 1 | h) = σ(a + x)
    gaussian    v real,           U = (v − a)²/(2σ²),   v | h ~ N(a + σ²x, σ²)
    softmax     one-hot,          U = −a v,             p(v_i = 1 | h) = e^(a_i + x_i) / Σ over the block
hidden layer, of one kind, z_j = b_j + Σ_i v_i W_ij:
    bernoulli   h ∈ {0, 1},       U = −b h,             p(h = 1 | v) = σ(z)
    relu        h ∈ {0, 1, 2, …}, the stepped unit of Nair & Hinton 2010: the number of copies k = 1, 2, … that are on,
                copy k with bias b − k + 1/2,           mean Σ_k σ(z − k + 1/2)

The Gaussian's W is that of Cho, Ilin & Raiko 2011 divided by σ_i². At inverse temperature β every probability is
`p_β ∝ e^(−βE)`; for relu the energy is that of the copies, so each of them hears β(z − k + 1/2).
"""

import itertools
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

import units

# Largest state of a relu unit where states are enumerated: potential h²/2 less the pull of the visible units; the
# machines that are enumerated have weights small enough for e^−100 beyond it.
RELU_STATES = 60


@dataclass(frozen=True)
class Block:
    """A run of visible units of one kind."""

    kind: str
    units: int
    sigma: tuple = ()


class Machine:
    """Parameters: `blocks`, `hidden` ("bernoulli" or "relu"), `w` (V, H), `a` (V), `b` (H)."""

    def __init__(self, blocks, hidden, w, a, b):
        self.blocks, self.hidden = list(blocks), hidden
        self.w, self.a, self.b = (np.asarray(p, dtype=np.float64) for p in (w, a, b))
        assert self.w.shape == (sum(block.units for block in blocks), self.b.size) and self.a.size == self.w.shape[0]

    def spans(self):
        """Each block with the slice of its units."""
        start = 0
        for block in self.blocks:
            yield block, slice(start, start + block.units)
            start += block.units

    # States are arrays (V) or (H), or many of them (…, V) or (…, H).

    def visible_energy(self, v):
        """Σ_i U_i(v_i)."""
        total = np.zeros(np.shape(v)[:-1])
        for block, span in self.spans():
            if block.kind == "gaussian":
                total = total + np.sum((v[..., span] - self.a[span]) ** 2 / (2 * np.square(block.sigma)), axis=-1)
            else:
                total = total - v[..., span] @ self.a[span]
        return total

    def hidden_energy(self, h, beta=1.0):
        """Σ_j U_j(h_j). For relu units −1/β ln Σ e^(−β Σ_k (k − 1/2 − b)) over the ways to have h copies on."""
        linear = -(h @ self.b)
        if self.hidden == "bernoulli":
            return linear
        return linear + np.sum(units.stepped_potential(h, beta), axis=-1) / beta

    def energy(self, v, h):
        """E(v, h)."""
        return self.visible_energy(v) + self.hidden_energy(h) - np.sum((v @ self.w) * h, axis=-1)

    # Given the visible units.

    def hidden_field(self, v):
        """z = b + Wᵀv."""
        return self.b + v @ self.w

    def hidden_mean(self, v, beta=1.0):
        """E_β[h | v]."""
        z = self.hidden_field(v)
        return units.sigmoid(beta * z) if self.hidden == "bernoulli" else units.stepped_mean(z, beta)

    def hidden_variance(self, v, beta=1.0):
        """Var_β[h | v]."""
        z = self.hidden_field(v)
        if self.hidden == "relu":
            return units.stepped_variance(z, beta)
        return units.sigmoid(beta * z) * units.sigmoid(-beta * z)

    def log_weight(self, v, beta=1.0):
        """ln Σ_h e^(−βE(v, h)): −F(v) at β = 1."""
        z = self.hidden_field(v)
        hidden = units.softplus(beta * z) if self.hidden == "bernoulli" else units.stepped_softplus(z, beta)
        return np.sum(hidden, axis=-1) - beta * self.visible_energy(v)

    def free_energy(self, v):
        """F(v) = −ln Σ_h e^(−E(v, h))."""
        return -self.log_weight(v)

    # Given the hidden units.

    def visible_input(self, h):
        """x = W h."""
        return h @ self.w.T

    def visible_mean(self, h, beta=1.0):
        """E_β[v | h]: probabilities of Bernoulli and softmax units, means of Gaussian ones."""
        x = self.visible_input(h)
        mean = np.empty_like(x)
        for block, span in self.spans():
            if block.kind == "bernoulli":
                mean[..., span] = units.sigmoid(beta * (self.a[span] + x[..., span]))
            elif block.kind == "softmax":
                mean[..., span] = units.softmax(beta * (self.a[span] + x[..., span]))
            else:
                mean[..., span] = self.a[span] + np.square(block.sigma) * x[..., span]
        return mean

    def visible_variance(self, h, beta=1.0):
        """Var_β[v | h]: σ²/β of Gaussian units, p(1 − p) of the others."""
        mean = self.visible_mean(h, beta)
        variance = mean * (1 - mean)
        for block, span in self.spans():
            if block.kind == "gaussian":
                variance[..., span] = np.square(block.sigma) / beta
        return variance

    def hidden_log_weight(self, h, beta=1.0):
        """ln ∫ e^(−βE(v, h)) dv, a sum over discrete units and an integral over Gaussian ones."""
        x = self.visible_input(h)
        total = -beta * self.hidden_energy(h, beta)
        for block, span in self.spans():
            a, x_block = self.a[span], x[..., span]
            if block.kind == "bernoulli":
                total = total + np.sum(units.softplus(beta * (a + x_block)), axis=-1)
            elif block.kind == "softmax":
                total = total + units.log_sum_exp(beta * (a + x_block))
            else:
                variance = np.square(block.sigma)
                total = total + np.sum(np.log(2 * np.pi * variance / beta)) / 2
                total = total + np.sum(beta * (a * x_block + variance * x_block**2 / 2), axis=-1)
        return total

    # Draws: one 32-bit word a unit, in order.

    def draw_hidden(self, v, words):
        """h given v. A Bernoulli unit is on where the upper 24 bits, as a fraction, are less than its probability.

        A relu unit is drawn as Nair & Hinton 2010 do: max(0, z + √σ(z) N(0, 1)).
        """
        if self.hidden == "bernoulli":
            return (fractions(words) < self.hidden_mean(v)).astype(np.float64)
        z = self.hidden_field(v)
        return np.maximum(0, z + np.sqrt(units.sigmoid(z)) * normals(words))

    def draw_visible(self, h, words):
        """v given h: Bernoulli units as above, Gaussian ones as mean + σ N(0, 1).

        Of a group that unit is on whose cumulated probability is the first to exceed the group's first word.
        """
        words, mean = np.asarray(words), self.visible_mean(h)
        v = np.zeros_like(mean)
        for block, span in self.spans():
            if block.kind == "bernoulli":
                v[span] = fractions(words[span]) < mean[span]
            elif block.kind == "softmax":
                chosen = np.searchsorted(np.cumsum(mean[span]), fractions(words[span])[0], side="right")
                v[span] = np.eye(block.units)[min(chosen, block.units - 1)]
            else:
                v[span] = mean[span] + np.asarray(block.sigma) * normals(words[span])
        return v

    # All states.

    def visible_states(self):
        """Every state of discrete visible units."""
        choices = []
        for block in self.blocks:
            if block.kind == "bernoulli":
                choices.append([np.array(bits) for bits in itertools.product((0.0, 1.0), repeat=block.units)])
            elif block.kind == "softmax":
                choices.append(list(np.eye(block.units)))
            else:
                raise ValueError("Gaussian units have no list of states")
        return np.array([np.concatenate(parts) for parts in itertools.product(*choices)])

    def hidden_states(self):
        """Every state of the hidden units; for relu, every one that matters."""
        states = (0, 1) if self.hidden == "bernoulli" else range(RELU_STATES)
        return np.array(list(itertools.product(states, repeat=self.b.size)), dtype=np.float64)

    def log_partition(self, beta=1.0):
        """ln Z_β, over the visible states or the hidden ones."""
        return self.log_partition_over_visible(beta) if self.by_visible() else self.log_partition_over_hidden(beta)

    def visible_bits(self):
        """log₂ of the number of visible states, infinite with Gaussian units."""
        bits = {"bernoulli": lambda block: block.units, "softmax": lambda block: math.log2(block.units)}
        return sum(bits.get(block.kind, lambda _: math.inf)(block) for block in self.blocks)

    def hidden_bits(self):
        """log₂ of the number of hidden states that are enumerated."""
        return self.b.size * (1 if self.hidden == "bernoulli" else math.log2(RELU_STATES))

    def by_visible(self):
        """Whether the visible states are the ones to enumerate, being fewer."""
        return self.visible_bits() <= self.hidden_bits()

    def enumerable(self):
        """Whether there are few enough states of one side."""
        return min(self.visible_bits(), self.hidden_bits()) <= 12

    def log_partition_over_visible(self, beta=1.0):
        """ln Z_β by enumeration of the visible states."""
        return units.log_sum_exp(self.log_weight(self.visible_states(), beta))

    def log_partition_over_hidden(self, beta=1.0):
        """ln Z_β by enumeration of the hidden states."""
        return units.log_sum_exp(self.hidden_log_weight(self.hidden_states(), beta))

    # Learning.

    def visible_statistic(self, v):
        """−∂E/∂a: v of discrete units, (v − a)/σ² of Gaussian ones."""
        statistic = np.array(v, dtype=np.float64)
        for block, span in self.spans():
            if block.kind == "gaussian":
                statistic[..., span] = (statistic[..., span] - self.a[span]) / np.square(block.sigma)
        return statistic

    def statistics(self, v, h, shares=None):
        """Means of −∂E/∂W, −∂E/∂a and −∂E/∂b over pairs of states or means, v (N, V) and h (N, H)."""
        v, h = np.asarray(v), np.asarray(h)
        shares = np.full(len(v), 1 / len(v)) if shares is None else shares
        return (v.T * shares) @ h, shares @ self.visible_statistic(v), shares @ h

    def model_statistics(self):
        """The same, expected under the model."""
        if self.by_visible():
            v = self.visible_states()
            h, logs = self.hidden_mean(v), self.log_weight(v)
        else:
            h = self.hidden_states()
            v, logs = self.visible_mean(h), self.hidden_log_weight(h)
        return self.statistics(v, h, np.exp(logs - units.log_sum_exp(logs)))

    def gradient(self, data):
        """Gradient of the mean log-likelihood of `data` in W, a and b."""
        positive = self.statistics(data, self.hidden_mean(np.asarray(data)))
        return tuple(p - n for p, n in zip(positive, self.model_statistics()))


def fractions(words):
    """Words as multiples of 2^-24 from 0 on."""
    return (np.asarray(words) >> 8) / 2**24


def normals(words):
    """Words as standard normal variates, by the inverse of the distribution function at (word + 1/2) / 2^32."""
    return np.array([NormalDist().inv_cdf((word + 0.5) / 2**32) for word in np.asarray(words).tolist()])


class ClassRbm(Machine):
    """A machine whose last block is a softmax group: the class y. The blocks before it are the input x."""

    def classes(self):
        """Number of classes."""
        assert self.blocks[-1].kind == "softmax"
        return self.blocks[-1].units

    def free_energies(self, x):
        """F(x, y) of every class y."""
        return np.array([self.free_energy(np.concatenate([x, y])) for y in np.eye(self.classes())])

    def posterior(self, x):
        """p(y | x) = e^(−F(x, y)) / Σ_y e^(−F(x, y))."""
        return units.softmax(-self.free_energies(x))

    def input_free_energy(self, x):
        """F(x) = −ln Σ_y e^(−F(x, y))."""
        return -units.log_sum_exp(-self.free_energies(x))


@dataclass(frozen=True)
class Update:
    """One step of learning: ΔW ← m ΔW + ε(⟨v h⟩_data − ⟨v h⟩_model − λ W), W ← W + ΔW; biases without decay."""

    rate: float
    momentum: float
    decay: float

    def step(self, machine, positive, negative, before):
        """Parameters and steps (each W, a, b) after one update from pairs (v, h), `before` being the last steps."""
        data, model = machine.statistics(*zip(*positive)), machine.statistics(*zip(*negative))
        parameters = (machine.w, machine.a, machine.b)
        decays = (self.decay, 0.0, 0.0)
        steps = [
            self.momentum * last + self.rate * (d - m - decay * p)
            for last, d, m, decay, p in zip(before, data, model, decays, parameters)
        ]
        return [p + s for p, s in zip(parameters, steps)], steps
