"""Deep belief networks: directed lower layers of Bernoulli units under a machine.

A lower layer has recognition weights for the way up and generative weights for the way down (the same where the stack
has not been fine-tuned):

    up      q(h_j = 1 | v) = σ(b_j + Σ_i v_i R_ij)
    down    p(v_i = 1 | h) = σ(a_i + Σ_j G_ij h_j)
    p(v) = Σ_h p(v | h) p_top(h)
"""

from dataclasses import dataclass

import numpy as np

import units


@dataclass(frozen=True)
class Directed:
    """One lower layer: `recognition` and `generative` are (V, H), `b` is (H), `a` is (V)."""

    recognition: np.ndarray
    b: np.ndarray
    generative: np.ndarray
    a: np.ndarray


@dataclass(frozen=True)
class Dbn:
    """Lower layers from the input up, the machine on top, and at choice a softmax head on its hidden means."""

    lower: list
    top: object
    head: tuple = ()

    def recognise(self, v):
        """Means of every layer's hidden units from the input up, then the head's scores if there is a head."""
        means = []
        for layer in self.lower:
            v = units.sigmoid(layer.b + v @ layer.recognition)
            means.append(v)
        means.append(self.top.hidden_mean(v))
        if self.head:
            weights, bias = self.head
            means.append(bias + means[-1] @ weights)
        return means

    def generate(self, h):
        """Means of every lower layer's visible units from the top down, given the top machine's visible state."""
        means = []
        for layer in reversed(self.lower):
            h = units.sigmoid(layer.a + layer.generative @ h)
            means.append(h)
        return means

    def log_probability(self, v):
        """ln p(v), exact, with one lower layer."""
        (layer,) = self.lower
        normaliser = self.top.log_partition()
        terms = []
        for h in self.top.visible_states():
            field = layer.a + layer.generative @ h
            log_conditional = np.sum(v * field - units.softplus(field))
            terms.append(log_conditional + self.top.log_weight(h) - normaliser)
        return units.log_sum_exp(terms)
