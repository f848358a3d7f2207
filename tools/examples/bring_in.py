"""A machine that scikit-learn or PyTorch has trained, brought into ebm-train.

    ebm-train data convert digits --out digits.npz
    python3 tools/examples/bring_in.py sklearn digits.npz rbm.npz      # or torch digits.npz rbm.safetensors
    ebm-train import rbm.npz --out rbm.ebm
    ebm-train eval rbm.ebm --data npz:rbm-samples.npz                  # the free energy that this prints

`import` finds a machine's arrays by their names, and which index of the weights is the visible unit by the biases' lengths.
"""

import sys

import numpy as np


def by_sklearn(train, path):
    from sklearn.neural_network import BernoulliRBM

    rbm = BernoulliRBM(n_components=32, learning_rate=0.05, n_iter=5, random_state=1).fit(train)
    names = ("components_", "intercept_visible_", "intercept_hidden_")
    np.savez(path, **{name: getattr(rbm, name) for name in names})
    return rbm._free_energy


def by_torch(train, path):
    import torch
    from safetensors.torch import save_file

    class Rbm(torch.nn.Module):
        def __init__(self, visible, hidden):
            super().__init__()
            self.W = torch.nn.Parameter(0.01 * torch.randn(hidden, visible))
            self.v_bias = torch.nn.Parameter(torch.zeros(visible))
            self.h_bias = torch.nn.Parameter(torch.zeros(hidden))

        def free_energy(self, v):
            return -v @ self.v_bias - torch.nn.functional.softplus(v @ self.W.T + self.h_bias).sum(1)

        def reconstruct(self, v):
            h = torch.bernoulli(torch.sigmoid(v @ self.W.T + self.h_bias))
            return torch.bernoulli(torch.sigmoid(h @ self.W + self.v_bias))

    torch.manual_seed(1)
    rbm = Rbm(train.shape[1], 32)
    optimiser = torch.optim.SGD(rbm.parameters(), lr=0.05)
    for v in torch.tensor(train).split(32):
        # CD-1 as a loss: its gradient is the difference of the statistics.
        loss = (rbm.free_energy(v) - rbm.free_energy(rbm.reconstruct(v).detach())).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    save_file({name: tensor.detach().contiguous() for name, tensor in rbm.state_dict().items()}, path)
    return lambda v: rbm.free_energy(torch.tensor(v)).detach().numpy()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("sklearn", "torch"):
        sys.exit(__doc__)
    program, data, path = sys.argv[1:4]
    digits = np.load(data)
    train, test = (np.float32(digits[part].reshape(len(digits[part]), -1) / 16) for part in ("x_train", "x_test"))
    free_energy = {"sklearn": by_sklearn, "torch": by_torch}[program](train, path)
    np.savez(path.rsplit(".", 1)[0] + "-samples.npz", x_train=train, x_test=test, free_energy=free_energy(test))
    print(f"{path}: mean free energy of the test digits {free_energy(test).mean():.4f} nats")
