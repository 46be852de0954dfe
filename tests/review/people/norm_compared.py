"""Adam as a class, after a norm over all gradients that is compared with a bound; the loss once an epoch."""

import numpy as np


class Adam:
    def __init__(self, params, lr=0.01):
        self.lr, self.t = lr, 0
        self.m = {k: np.zeros_like(v) for k, v in params.items()}
        self.v = {k: np.zeros_like(v) for k, v in params.items()}

    def step(self, params, grads):
        self.t += 1
        for k in params:
            self.m[k] = 0.9 * self.m[k] + 0.1 * grads[k]
            self.v[k] = 0.999 * self.v[k] + 0.001 * grads[k] ** 2
            m, v = self.m[k] / (1 - 0.9**self.t), self.v[k] / (1 - 0.999**self.t)
            params[k] -= self.lr * m / (np.sqrt(v) + 1e-8)


rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (48, 2))
y = x[:, :1] ** 2 - x[:, 1:]
params = {"W1": rng.normal(0, 1, (2, 5)), "b1": np.zeros(5), "W2": rng.normal(0, 1, (5, 1)), "b2": np.zeros(1)}
adam = Adam(params)
for epoch in range(20):
    order = rng.permutation(len(x))
    for start in range(0, 48, 16):
        rows = order[start : start + 16]
        hidden = np.maximum(x[rows] @ params["W1"] + params["b1"], 0)
        error = hidden @ params["W2"] + params["b2"] - y[rows]
        d2 = 2 * error / len(rows)
        d1 = d2 @ params["W2"].T * (hidden > 0)
        grads = {"W1": x[rows].T @ d1, "b1": d1.sum(0), "W2": hidden.T @ d2, "b2": d2.sum(0)}
        norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
        if norm > 50.0:
            grads = {k: 50.0 * g / norm for k, g in grads.items()}
        adam.step(params, grads)
    out = np.maximum(x @ params["W1"] + params["b1"], 0) @ params["W2"] + params["b2"]
    print(epoch, np.mean((out - y) ** 2))
