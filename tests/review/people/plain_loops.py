import random
import math

random.seed(7)
INPUTS, HIDDEN, OUTPUTS = 2, 3, 1
LR = 0.4

w_ih = [[random.uniform(-1, 1) for _ in range(HIDDEN)] for _ in range(INPUTS)]
b_h = [0.0] * HIDDEN
w_ho = [[random.uniform(-1, 1) for _ in range(OUTPUTS)] for _ in range(HIDDEN)]
b_o = [0.0] * OUTPUTS

xs = [[0, 0], [0, 1], [1, 0], [1, 1]]
ys = [[0], [1], [1], [0]]

for epoch in range(1500):
    loss = 0
    for x, y in zip(xs, ys):
        hidden = []
        for j in range(HIDDEN):
            s = b_h[j]
            for i in range(INPUTS):
                s += x[i] * w_ih[i][j]
            hidden.append(math.tanh(s))
        out = []
        for k in range(OUTPUTS):
            s = b_o[k]
            for j in range(HIDDEN):
                s += hidden[j] * w_ho[j][k]
            out.append(1 / (1 + math.exp(-s)))
        loss += sum((o - t) ** 2 for o, t in zip(out, y)) / 2
        d_out = [(out[k] - y[k]) * out[k] * (1 - out[k]) for k in range(OUTPUTS)]
        d_hid = []
        for j in range(HIDDEN):
            e = sum(d_out[k] * w_ho[j][k] for k in range(OUTPUTS))
            d_hid.append(e * (1 - hidden[j] ** 2))
        for j in range(HIDDEN):
            for k in range(OUTPUTS):
                w_ho[j][k] -= LR * d_out[k] * hidden[j]
        for k in range(OUTPUTS):
            b_o[k] -= LR * d_out[k]
        for i in range(INPUTS):
            for j in range(HIDDEN):
                w_ih[i][j] -= LR * d_hid[j] * x[i]
        for j in range(HIDDEN):
            b_h[j] -= LR * d_hid[j]
    if epoch % 500 == 0:
        print(f"epoch {epoch}: {loss:.4f}")
