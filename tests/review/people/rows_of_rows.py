import math

import numpy as np

rng = np.random.default_rng(3)
inputs = [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
targets = [0.2, 0.9, 0.7, 0.1]
wi = rng.uniform(-1, 1, (3, 2))
wo = rng.uniform(-1, 1, 2)
rate = 0.3
for epoch in range(60):
    loss = 0.0
    for x, t in zip(inputs, targets):
        h = np.zeros(2)
        for j in range(2):
            total = 0.0
            for i in range(3):
                total += x[i] * wi[i][j]
            h[j] = math.tanh(total)
        out = wo[0] * h[0] + wo[1] * h[1]
        loss += 0.5 * (out - t) ** 2
        d = out - t
        for j in range(2):
            below = d * wo[j] * (1 - h[j] ** 2)
            wo[j] -= rate * d * h[j]
            for i in range(3):
                wi[i][j] -= rate * below * x[i]
    if epoch % 20 == 0:
        print(epoch, loss)
