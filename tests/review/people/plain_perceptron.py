import math, random

random.seed(42)
data = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 1.0)]
weights = [random.uniform(-1, 1) for _ in range(2)]
bias = random.uniform(-1, 1)
lr = 0.5

def sigmoid(x):
    return 1 / (1 + math.exp(-x))

for epoch in range(500):
    total = 0.0
    for x, target in data:
        z = sum(w * xi for w, xi in zip(weights, x)) + bias
        out = sigmoid(z)
        error = target - out
        total += 0.5 * error ** 2
        delta = error * out * (1 - out)
        for i in range(len(weights)):
            weights[i] += lr * delta * x[i]
        bias += lr * delta
    if epoch % 100 == 0:
        print(epoch, total)
