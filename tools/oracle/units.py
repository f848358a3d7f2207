"""The functions of one unit, in float64, written for precision rather than speed.

A field `z` is what a unit hears: `z_j = b_j + Σ_i v_i W_ij`. Where an inverse temperature β is given, states have the
probability `p_β ∝ e^(−βE)`.
"""

import math

import numpy as np

# Copies of a stepped unit whose fields are this far below zero, in nats, are left out: their terms are below e^−50.
NATS_BEYOND = 50


def sigmoid(z):
    """σ(z) = 1 / (1 + e^−z), precise in both tails."""
    z = np.asarray(z, dtype=np.float64)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + e), e / (1.0 + e))


def softplus(z):
    """ln(1 + e^z)."""
    return np.logaddexp(0.0, np.asarray(z, dtype=np.float64))


def log_sum_exp(terms):
    """ln Σ e^t over the last axis."""
    terms = np.asarray(terms, dtype=np.float64)
    largest = terms.max(axis=-1, keepdims=True)
    return np.squeeze(largest, -1) + np.log(np.sum(np.exp(terms - largest), axis=-1))


def softmax(z):
    """e^(z_c) / Σ e^(z_d) over the last axis."""
    z = np.asarray(z, dtype=np.float64)
    return np.exp(z - log_sum_exp(z)[..., None])


def _over_copies(function, z, beta):
    """Sum of `function` over the copies of each unit, the smallest terms first; copies hear β times their field."""
    z = np.asarray(z, dtype=np.float64)
    count = math.ceil(max(z.max(initial=0.0), 0.0) + NATS_BEYOND / beta)
    return np.sum(function(beta * (z[..., None] - np.arange(count, 0, -1) + 0.5)), axis=-1)


def stepped_softplus(z, beta=1.0):
    """Σ_k softplus(β(z − k + 1/2)), k = 1, 2, …: a stepped unit's share of ln Σ_h e^(−βE)."""
    return _over_copies(softplus, z, beta)


def stepped_mean(z, beta=1.0):
    """Σ_k σ(β(z − k + 1/2)): how many of a stepped unit's copies are on, on average."""
    return _over_copies(sigmoid, z, beta)


def stepped_variance(z, beta=1.0):
    """Σ_k σ(1 − σ): variance of that number."""
    return _over_copies(lambda c: sigmoid(c) * sigmoid(-c), z, beta)


def stepped_potential(h, beta=1.0):
    """−ln of the weight of `h` copies on, at field zero: β h²/2 + Σ_(i=1..h) ln(1 − e^(−βi)).

    The copies' biases are −(k − 1/2); the q-binomial theorem with q = e^−β sums over which h of them are on:
    `Π_(k≥1) (1 + q^(k−1/2) y) = Σ_h y^h q^(h²/2) / Π_(i=1..h) (1 − q^i)`.
    """
    h = np.asarray(h).astype(np.int64)
    ways = np.concatenate([[0.0], np.cumsum(np.log(-np.expm1(-beta * np.arange(1, h.max(initial=0) + 1))))])
    return beta * h * h / 2 + ways[h]
