"""The machines, states and inputs of the fixtures, drawn with fixed seeds and rounded to f32.

`RandomState` is the generator whose stream NumPy has frozen.
"""

import numpy as np

from dbn import Dbn, Directed
from machine import Block, ClassRbm, Machine


def rounded(values):
    """`values` as f32, in f64."""
    return np.asarray(values).astype(np.float32).astype(np.float64)


def sigmas(block, count):
    """σ of each unit, 1 for discrete ones."""
    return np.asarray(block.sigma) if block.kind == "gaussian" else np.ones(count)


def bernoulli(count):
    return Block("bernoulli", count)


def gaussian(*sigma):
    return Block("gaussian", len(sigma), tuple(rounded(sigma).tolist()))


def softmax(count):
    return Block("softmax", count)


def random_machine(seed, blocks, hidden, hidden_units, scale, kind=Machine):
    """Weights from N(0, scale²/σ_i²), biases from N(0, 1)."""
    random = np.random.RandomState(seed)
    spread = np.concatenate([sigmas(block, block.units) for block in blocks])
    w = scale * random.standard_normal((spread.size, hidden_units)) / spread[:, None]
    a, b = random.standard_normal(spread.size), random.standard_normal(hidden_units)
    return kind(blocks, hidden, rounded(w), rounded(a), rounded(b))


def random_visible(random, machine):
    """A state of the visible units: fair bits, a class at random, a normal value about the bias."""
    v = np.zeros_like(machine.a)
    for block, span in machine.spans():
        if block.kind == "bernoulli":
            v[span] = random.randint(0, 2, block.units)
        elif block.kind == "softmax":
            v[span] = np.eye(block.units)[random.randint(block.units)]
        else:
            v[span] = machine.a[span] + 2 * np.asarray(block.sigma) * random.standard_normal(block.units)
    return rounded(v)


def random_hidden(random, machine):
    """A state of the hidden units."""
    largest = 2 if machine.hidden == "bernoulli" else 6
    return random.randint(0, largest, machine.b.size).astype(np.float64)


def random_states(seed, machine, count):
    """Pairs of states. The last has visible Bernoulli units between 0 and 1, as grey levels and mean-field have."""
    random = np.random.RandomState(seed)
    pairs = [(random_visible(random, machine), random_hidden(random, machine)) for _ in range(count)]
    last, hidden = pairs[-1]
    for block, span in machine.spans():
        if block.kind == "bernoulli":
            last[span] = rounded(random.uniform(size=block.units))
    return pairs[:-1] + [(last, hidden)]


def machines():
    """Name, machine and states, for every kind of unit alone and for mixes of them."""
    kinds = [
        ("bernoulli", [bernoulli(7)], 6),
        ("bernoulli-wide", [bernoulli(19)], 9),
        ("gaussian", [gaussian(1.0, 0.5, 2.0, 0.1, 10.0)], 6),
        ("softmax", [softmax(5)], 6),
        ("softmax-groups", [softmax(3), softmax(4), softmax(2)], 5),
        ("bernoulli-gaussian", [bernoulli(3), gaussian(0.7, 1.5)], 5),
        ("gaussian-softmax", [gaussian(0.1, 3.0), softmax(4)], 5),
        ("bernoulli-softmax", [bernoulli(4), softmax(3), bernoulli(1)], 6),
        ("mixed", [softmax(3), gaussian(0.3, 1.0), bernoulli(4), gaussian(10.0), softmax(2)], 7),
    ]
    for index, (name, blocks, hidden_units) in enumerate(kinds):
        seed = 100 + 10 * index
        machine = random_machine(seed, blocks, "bernoulli", hidden_units, 1.0)
        yield name, machine, random_states(seed + 1, machine, 4)
        # Σ_i (σ_i W_ij)² stays below 1, without which relu units over Gaussian ones have no partition function.
        narrow = 2 if any(block.kind == "gaussian" for block in blocks) else 4
        machine = random_machine(seed + 2, blocks, "relu", narrow, 0.25)
        yield f"{name}-relu", machine, random_states(seed + 3, machine, 4)
    for hidden in ("bernoulli", "relu"):
        yield from extremes(hidden)


def extremes(hidden):
    """Fields of 100, −100, −30, 0 and 17 in the hidden units, and in the visible ones at another state."""
    fields = np.array([100.0, -100.0, -30.0, 0.0, 17.0])
    blocks = [bernoulli(5), softmax(5), gaussian(0.1, 10.0, 1.0)]
    random = np.random.RandomState(7)
    spread = np.concatenate([np.ones(10), np.array(blocks[2].sigma)])
    w = rounded(0.5 * random.standard_normal((13, 5)) / spread[:, None])
    # One hidden unit whose weights to the discrete units are the fields.
    w[:5, 2], w[5:10, 2] = fields, fields
    v = np.array([1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0.25, -20, 1.5], dtype=np.float64)
    h = np.array([0, 0, 1, 0, 0], dtype=np.float64)
    a = rounded([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.125, -4, 100])
    machine = Machine(blocks, hidden, w, a, rounded(fields - v @ w))
    states = [(v, h), (np.concatenate([np.ones(5), np.eye(5)[0], [-1, 40, 90]]), 1 - h), (0 * v + np.eye(13)[5], 0 * h)]
    yield f"extremes-{hidden}", machine, states


def class_machines():
    """Name, ClassRBM and inputs."""
    kinds = [
        ("class-bernoulli", [bernoulli(6), softmax(3)], "bernoulli", 7, 1.5),
        ("class-gaussian", [gaussian(0.5, 2.0, 1.0), softmax(4)], "bernoulli", 6, 1.0),
        ("class-mixed", [softmax(3), bernoulli(3), gaussian(1.5), softmax(10)], "bernoulli", 8, 1.0),
        ("class-relu", [bernoulli(5), softmax(3)], "relu", 4, 0.5),
    ]
    for index, (name, blocks, hidden, hidden_units, scale) in enumerate(kinds):
        machine = random_machine(300 + index, blocks, hidden, hidden_units, scale, ClassRbm)
        random = np.random.RandomState(400 + index)
        inputs = [random_visible(random, machine)[: -machine.classes()] for _ in range(4)]
        yield name, machine, inputs
    # A class that is certain and one that is impossible: labels' biases of ±100 and −30.
    machine = random_machine(310, [bernoulli(4), softmax(3)], "bernoulli", 5, 1.0, ClassRbm)
    machine.a[-3:] = (100, -100, -30)
    random = np.random.RandomState(410)
    yield "class-extremes", machine, [random_visible(random, machine)[:-3] for _ in range(2)]


def directed(random, visible, hidden, tied):
    """A lower layer with weights from N(0, 1)."""
    up, down = (rounded(random.standard_normal((visible, hidden))) for _ in range(2))
    b, a = rounded(random.standard_normal(hidden)), rounded(random.standard_normal(visible))
    return Directed(up, b, up if tied else down, a)


def dbns():
    """Name, DBN, inputs and states of the top machine's visible units."""
    for index, (name, tied, sizes, head) in enumerate(
        [
            ("tied", True, (6, 5, 4), 3),
            ("untied", False, (6, 5, 4), 0),
            ("deep", False, (7, 6, 5, 4), 3),
        ]
    ):
        random = np.random.RandomState(500 + index)
        lower = [directed(random, v, h, tied) for v, h in zip(sizes[:-2], sizes[1:-1])]
        top = random_machine(510 + index, [bernoulli(sizes[-2])], "bernoulli", sizes[-1], 1.0)
        weights = (rounded(2 * random.standard_normal((sizes[-1], head))), rounded(random.standard_normal(head)))
        inputs = [random.randint(0, 2, sizes[0]).astype(np.float64) for _ in range(3)]
        states = [random.randint(0, 2, sizes[-2]).astype(np.float64) for _ in range(3)]
        yield name, Dbn(lower, top, weights if head else ()), inputs, states


# Pictures of 8 × 8 levels, " .:#" being 0, 5, 10 and 16: what the digits' models may see.
PICTURES = (
    """
  .##.  
 :#::#. 
 #:  :# 
 #.  .# 
 #.  .# 
 #:  :# 
 .#::#: 
  .##.  """,
    """
    ##  
  .###  
 :####  
   .##  
    ##  
    ##  
    ##. 
    ##: """,
    """
 :####: 
 ...:#: 
    .#. 
  .:##:.
  :##:: 
   #:   
  :#.   
  ##    """,
)


def pictures():
    """The pictures as lists of 64 levels from 0 to 16, and one of noise."""
    levels = {" ": 0, ".": 5, ":": 10, "#": 16}
    drawn = [np.array([levels[c] for c in picture.replace("\n", "")]) for picture in PICTURES]
    return drawn + [np.random.RandomState(600).randint(0, 17, 64)]
