import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
y = (X[:, 0] > 0).astype(int)


class Dense:
    def __init__(self, fan_in, units):
        self.weights = 0.5 * rng.normal(size=(fan_in, units))
        self.biases = np.zeros((1, units))

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.weights + self.biases

    def backward(self, above):
        self.dweights = self.inputs.T @ above
        self.dbiases = above.sum(axis=0, keepdims=True)
        return above @ self.weights.T


def update(layer, rate):
    if not hasattr(layer, "momentum"):
        layer.momentum = np.zeros_like(layer.weights)
    layer.momentum = 0.9 * layer.momentum - rate * layer.dweights
    layer.weights += layer.momentum
    layer.biases += -rate * layer.dbiases


first, second = Dense(2, 12), Dense(12, 2)
for epoch in range(300):
    hidden = first.forward(X)
    active = np.maximum(0, hidden)
    scores = second.forward(active)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    loss = np.mean(-np.log(np.clip(p, 1e-7, 1 - 1e-7)[range(len(y)), y]))
    above = p.copy()
    above[range(len(y)), y] -= 1
    above = second.backward(above / len(y))
    above[hidden <= 0] = 0
    first.backward(above)
    rate = 2.0 / (1 + 0.01 * epoch)
    update(first, rate)
    update(second, rate)
    if epoch % 100 == 0:
        print(epoch, loss)
