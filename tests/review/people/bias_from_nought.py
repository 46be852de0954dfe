"""Weights of zero and a bias that is a whole number before the first update."""

import numpy as np


class Classifier:
    def fit(self, X, y, lr=0.2, rounds=40):
        count, features = X.shape
        self.weights, self.losses = np.zeros(features), []
        self.bias = 0
        for _ in range(rounds):
            p = 1 / (1 + np.exp(-(X @ self.weights + self.bias)))
            self.losses.append(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
            dz = p - y
            self.weights -= lr * (X.T @ dz) / count
            self.bias -= lr * np.sum(dz) / count
        return self


rng = np.random.default_rng(1234)
X = rng.normal(size=(50, 3))
y = (X @ np.array([1.5, -2.0, 0.5]) + 0.3 > 0).astype(int)
print(Classifier().fit(X, y).losses[-1])
