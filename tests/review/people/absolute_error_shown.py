"""Trained for a squared error, while the mean absolute one is shown; no rate and no bias."""

import numpy as np


def logistic(x, derivative=False):
    return x * (1 - x) if derivative else 1 / (1 + np.exp(-x))


X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1], [1, 0, 0]])
y = np.array([[0], [1], [1], [0], [1]])
np.random.seed(1)
first = 2 * np.random.random((3, 4)) - 1
second = 2 * np.random.random((4, 1)) - 1
for turn in range(300):
    hidden = logistic(X @ first)
    output = logistic(hidden @ second)
    missed = y - output
    if turn % 100 == 0:
        print("error", np.mean(np.abs(missed)))
    output_delta = missed * logistic(output, derivative=True)
    hidden_missed = output_delta @ second.T
    hidden_delta = hidden_missed * logistic(hidden, derivative=True)
    second += hidden.T @ output_delta
    first += X.T @ hidden_delta
