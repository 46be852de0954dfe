import numpy as np
np.random.seed(33)
X = np.random.rand(64, 6).astype(np.float32)
y = (X.sum(axis=1, keepdims=True) > 3).astype(np.float32)
W1 = (np.random.randn(6, 8) * 0.5).astype(np.float32); b1 = np.zeros(8, dtype=np.float32)
W2 = (np.random.randn(8, 1) * 0.5).astype(np.float32); b2 = np.zeros(1, dtype=np.float32)
sig = lambda v: 1 / (1 + np.exp(-v))
lr = np.float32(0.5)
for i in range(300):
    h = np.tanh(X @ W1 + b1)
    o = sig(h @ W2 + b2)
    loss = -np.mean(y * np.log(o) + (1 - y) * np.log(1 - o))
    do = (o - y) / np.float32(len(X))
    dW2 = h.T @ do; db2 = do.sum(0)
    dh = (do @ W2.T) * (1 - h ** 2)
    dW1 = X.T @ dh; db1 = dh.sum(0)
    W2 -= lr * dW2; b2 -= lr * db2; W1 -= lr * dW1; b1 -= lr * db1
    if i % 100 == 0: print(i, float(loss))
