import numpy as np
rng = np.random.default_rng(42)
N, D, M, K = 50, 1, 6, 1
x = np.sort(rng.uniform(-1, 1, N)).reshape(N, D)
t = x ** 2
w1 = rng.normal(size=(M, D + 1))
w2 = rng.normal(size=(K, M + 1)) * 0.5
eta = 0.02
for sweep in range(60):
    E = 0.0
    for n in rng.permutation(N):
        xn = np.append(1.0, x[n])
        a = w1 @ xn
        z = np.append(1.0, np.tanh(a))
        y = w2 @ z
        d_k = y - t[n]
        d_j = (1 - z[1:] ** 2) * (w2[:, 1:].T @ d_k)
        E += 0.5 * float(d_k @ d_k)
        w2 = w2 - eta * np.outer(d_k, z)
        w1 = w1 - eta * np.outer(d_j, xn)
    if sweep % 20 == 0:
        print(sweep, E)
