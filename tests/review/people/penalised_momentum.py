"""The loss and its penalty added up in a method, a rate that decays, momentum, a leaky slope."""

import numpy as np

rng = np.random.default_rng(3)
SLOPE = 0.1


class Model:
    def __init__(self, weight_decay):
        self.weight_decay = weight_decay
        self.w1 = rng.normal(0, 0.7, (2, 6))
        self.b1 = np.zeros((1, 6))
        self.w2 = rng.normal(0, 0.7, (6, 1))
        self.b2 = np.zeros((1, 1))
        self.velocity = [0.0] * 4

    def forward(self, x):
        self.x = x
        self.z = x @ self.w1 + self.b1
        self.h = np.where(self.z >= 0, self.z, SLOPE * self.z)
        return 1 / (1 + np.exp(-(self.h @ self.w2 + self.b2)))

    def loss(self, p, y):
        entropy = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
        penalty = self.weight_decay / 2 * (np.sum(self.w1**2) + np.sum(self.w2**2))
        return entropy + penalty

    def gradients(self, p, y):
        d2 = (p - y) / len(y)
        d1 = (d2 @ self.w2.T) * np.where(self.z >= 0, 1, SLOPE)
        return [
            self.x.T @ d1 + self.weight_decay * self.w1,
            d1.sum(axis=0, keepdims=True),
            self.h.T @ d2 + self.weight_decay * self.w2,
            d2.sum(axis=0, keepdims=True),
        ]

    def step(self, gradients, current_learning_rate):
        for i, (part, g) in enumerate(zip([self.w1, self.b1, self.w2, self.b2], gradients)):
            self.velocity[i] = 0.8 * self.velocity[i] - current_learning_rate * g
            part += self.velocity[i]


x = rng.normal(size=(40, 2))
y = ((x**2).sum(axis=1, keepdims=True) > 1.3).astype(float)
model = Model(0.01)
for epoch in range(60):
    total, current_learning_rate = 0.0, 0.3 / (1 + 0.01 * epoch)
    for s in range(0, 40, 20):
        p = model.forward(x[s : s + 20])
        total += model.loss(p, y[s : s + 20])
        model.step(model.gradients(p, y[s : s + 20]), current_learning_rate)
    print(f"{epoch}: {total / 2:.4f}")
