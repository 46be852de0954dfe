"""Number by number into arrays of zeros, targets minus outputs."""

import math

import numpy as np

np.random.seed(11)
wi = np.random.randn(2, 3) * 0.7
wo = np.random.randn(3, 2) * 0.7
bi, bo = np.zeros(3), np.zeros(2)
patterns = [([0, 1], [1, 0]), ([1, 1], [0, 1]), ([1, 0], [1, 1])]

for turn in range(60):
    error = 0.0
    for inputs, targets in patterns:
        ah = np.zeros(3)
        for j in range(3):
            ah[j] = math.tanh(bi[j] + inputs[0] * wi[0, j] + inputs[1] * wi[1, j])
        ao = np.zeros(2)
        for k in range(2):
            total = bo[k]
            for j in range(3):
                total += ah[j] * wo[j, k]
            ao[k] = math.tanh(total)
        for k in range(2):
            error += 0.5 * (targets[k] - ao[k]) ** 2
        deltas = np.zeros(2)
        for k in range(2):
            e = targets[k] - ao[k]
            deltas[k] = e * (1 - ao[k] ** 2)
        for j in range(3):
            back = sum(deltas[k] * wo[j, k] for k in range(2)) * (1 - ah[j] ** 2)
            for i in range(2):
                wi[i, j] += 0.3 * back * inputs[i]
            bi[j] += 0.3 * back
        for k in range(2):
            for j in range(3):
                wo[j, k] += 0.3 * deltas[k] * ah[j]
            bo[k] += 0.3 * deltas[k]
    print(turn, error)
