import random

random.seed(12)

def relu(x):
    return x if x > 0 else 0

def relu_grad(x):
    return 1 if x > 0 else 0

class Network:
    def __init__(self, n_in, n_hid):
        self.w1 = [[random.uniform(-1, 1) for _ in range(n_in)] for _ in range(n_hid)]
        self.b1 = [0.1] * n_hid
        self.w2 = [random.uniform(-1, 1) for _ in range(n_hid)]
        self.b2 = 0.0

    def forward(self, x):
        self.z1 = [sum(w * v for w, v in zip(row, x)) + b for row, b in zip(self.w1, self.b1)]
        self.a1 = [relu(z) for z in self.z1]
        self.out = sum(w * a for w, a in zip(self.w2, self.a1)) + self.b2
        return self.out

    def train(self, x, y, lr):
        out = self.forward(x)
        d_out = out - y
        d_hidden = [d_out * self.w2[j] * relu_grad(self.z1[j]) for j in range(len(self.w2))]
        for j in range(len(self.w2)):
            self.w2[j] -= lr * d_out * self.a1[j]
            for i in range(len(x)):
                self.w1[j][i] -= lr * d_hidden[j] * x[i]
            self.b1[j] -= lr * d_hidden[j]
        self.b2 -= lr * d_out
        return 0.5 * (out - y) ** 2

net = Network(2, 3)
data = [([i / 3, j / 3], abs(i - j) / 5) for i in range(3) for j in range(3)]
for epoch in range(20):
    random.shuffle(data)
    loss = sum(net.train(x, y, 0.05) for x, y in data) / len(data)
    if epoch % 5 == 0:
        print("epoch %d loss %.4f" % (epoch, loss))
