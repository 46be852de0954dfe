"""The posted network as its author may have written it: what the review is asked about."""

import numpy as np

series = [2.16, 3.19, 1.85, 4.84, 0.55, 4.20, 1.68, 4.74, 0.14, 5.68, 0.48, 5.03, 0.18, 5.99, 0.09]
X = np.array([series[i : i + 3] for i in range(10)])
y = np.array([[series[i + 3]] for i in range(10)])
X_test = np.array([series[i : i + 3] for i in range(10, 12)])
N = len(X)
rate = 0.005


def relu(z):
    return np.maximum(0, z)


np.random.seed(1)
w1 = np.random.rand(3, 4)
w2 = np.random.rand(4, 1)

for epoch in range(10000):
    hidden = relu(X.dot(w1))
    output = relu(hidden.dot(w2))
    error = output - y
    E = np.sum(error**2) / (2 * N)
    if E < 0.05:
        break
    delta_output = error
    delta_hidden = delta_output.dot(w2.T)
    w2 -= rate * hidden.T.dot(delta_output)
    w1 -= rate * X.T.dot(delta_hidden)

print("E =", E)
print(relu(relu(X_test.dot(w1)).dot(w2)))
