"""Every weight a name of its own, one bias for all units of a layer."""

import math

w1, w2, w3, w4 = 0.15, -0.20, 0.25, 0.30
w5, w6, w7, w8 = 0.40, 0.45, -0.50, 0.55
b1, b2 = 0.35, 0.60
i1, i2 = 0.5, -0.8
t1, t2 = 0.1, 0.9


def squash(v):
    return 1 / (1 + math.exp(-v))


for step in range(200):
    h1 = squash(w1 * i1 + w2 * i2 + b1)
    h2 = squash(w3 * i1 + w4 * i2 + b1)
    o1 = squash(w5 * h1 + w6 * h2 + b2)
    o2 = squash(w7 * h1 + w8 * h2 + b2)
    error = 0.5 * (t1 - o1) ** 2 + 0.5 * (t2 - o2) ** 2
    print(step, error)
    d1 = (o1 - t1) * o1 * (1 - o1)
    d2 = (o2 - t2) * o2 * (1 - o2)
    e1 = (d1 * w5 + d2 * w7) * h1 * (1 - h1)
    e2 = (d1 * w6 + d2 * w8) * h2 * (1 - h2)
    w5, w6 = w5 - 0.5 * d1 * h1, w6 - 0.5 * d1 * h2
    w7, w8 = w7 - 0.5 * d2 * h1, w8 - 0.5 * d2 * h2
    b2 -= 0.5 * (d1 + d2)
    w1, w2 = w1 - 0.5 * e1 * i1, w2 - 0.5 * e1 * i2
    w3, w4 = w3 - 0.5 * e2 * i1, w4 - 0.5 * e2 * i2
    b1 -= 0.5 * (e1 + e2)
