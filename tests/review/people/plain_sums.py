import random
random.seed(2)
def relu(v):
    if v > 0:
        return v
    return 0.0
def drelu(v):
    if v > 0:
        return 1.0
    else:
        return 0.0
samples = [((0.2, 0.7), 0.5), ((0.9, 0.1), 0.1), ((0.5, 0.5), 0.9), ((0.3, 0.8), 0.4)]
w = [0.4, -0.3, 0.6, 0.2]
v = [0.5, -0.7]
b = [0.1, 0.2, 0.0]
for step in range(500):
    loss = 0.0
    gw = [0.0] * 4
    gv = [0.0] * 2
    gb = [0.0] * 3
    for (p, q), t in samples:
        z0 = w[0] * p + w[1] * q + b[0]
        z1 = w[2] * p + w[3] * q + b[1]
        h0, h1 = relu(z0), relu(z1)
        o = v[0] * h0 + v[1] * h1 + b[2]
        loss += (o - t) ** 2 / len(samples)
        d = 2 * (o - t) / len(samples)
        gv[0] += d * h0
        gv[1] += d * h1
        gb[2] += d
        d0 = d * v[0] * drelu(z0)
        d1 = d * v[1] * drelu(z1)
        gw[0] += d0 * p
        gw[1] += d0 * q
        gw[2] += d1 * p
        gw[3] += d1 * q
        gb[0] += d0
        gb[1] += d1
    for i in range(4):
        w[i] -= 0.1 * gw[i]
    for i in range(2):
        v[i] -= 0.1 * gv[i]
    for i in range(3):
        b[i] -= 0.1 * gb[i]
    if step % 100 == 0:
        print(step, loss)
