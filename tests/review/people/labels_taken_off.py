import numpy as np

np.random.seed(0)
X = np.random.randn(60, 2)
labels = (X[:, 0] ** 2 + X[:, 1] > 0.5).astype(int)
rows = range(len(X))


def total_loss(W1, b1, W2, b2):
    scores = np.tanh(X.dot(W1) + b1).dot(W2) + b2
    p = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    data_loss = np.sum(-np.log(p[rows, labels]))
    data_loss += 0.005 * (np.sum(W1**2) + np.sum(W2**2))
    return data_loss


W1, b1 = np.random.randn(2, 4), np.zeros((1, 4))
W2, b2 = np.random.randn(4, 2) / 2, np.zeros((1, 2))
for i in range(300):
    hidden = np.tanh(X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    p = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    delta = p
    delta[rows, labels] -= 1
    dW2, db2 = hidden.T.dot(delta) + 0.01 * W2, delta.sum(axis=0, keepdims=True)
    below = delta.dot(W2.T) * (1 - hidden**2)
    dW1, db1 = X.T.dot(below) + 0.01 * W1, below.sum(axis=0)
    W1 += -0.01 * dW1
    b1 += -0.01 * db1
    W2 += -0.01 * dW2
    b2 += -0.01 * db2
    if i % 100 == 0:
        print("loss after %i: %f" % (i, total_loss(W1, b1, W2, b2)))
