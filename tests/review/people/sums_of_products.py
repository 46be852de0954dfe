"""A series, one window at a time; the output a sum of products of two vectors."""

import numpy as np

series = [0.1, 0.4, 0.35, 0.7, 0.6, 0.9, 0.75, 0.5, 0.55, 0.3, 0.2, 0.45, 0.4, 0.65, 0.8]
X = np.array([series[i : i + 3] for i in range(12)])
Y = np.array(series[3:])

np.random.seed(2)
w_in = np.random.randn(4, 3) * 0.6
b_in = np.zeros(4)
w_out = np.random.randn(4) * 0.6
b_out = 0.0
learning_rate = 0.03
for epoch in range(40):
    total = 0
    for n in range(len(X)):
        net = np.dot(w_in, X[n]) + b_in
        hidden = np.tanh(net)
        prediction = np.sum(w_out * hidden) + b_out
        difference = prediction - Y[n]
        total += difference**2
        slope = 2 * difference
        back = slope * w_out * (1 - np.tanh(net) ** 2)
        w_out -= learning_rate * slope * hidden
        b_out -= learning_rate * slope
        w_in -= learning_rate * np.outer(back, X[n])
        b_in -= learning_rate * back
    print("squared error", total)
