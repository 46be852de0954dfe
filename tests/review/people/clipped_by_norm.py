import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(128, 3)); y = np.sin(X[:, 0]) + 0.5 * X[:, 1]
y = y[:, None]
theta = {"w1": rng.normal(size=(3, 16)) / np.sqrt(3), "b1": np.zeros(16), "w2": rng.normal(size=(16, 1)) / 4, "b2": np.zeros(1)}
base_lr = 0.1
steps = 400
for t in range(steps):
    lr_t = base_lr * 0.5 * (1 + np.cos(np.pi * t / steps))
    idx = rng.integers(0, len(X), 32)
    xb, yb = X[idx], y[idx]
    pre = xb @ theta["w1"] + theta["b1"]
    hid = np.maximum(0.01 * pre, pre)
    pred = hid @ theta["w2"] + theta["b2"]
    loss = np.mean((pred - yb) ** 2)
    g = {}
    gp = 2.0 * (pred - yb) / len(xb)
    g["w2"] = hid.T @ gp; g["b2"] = gp.sum(axis=0)
    gh = gp @ theta["w2"].T
    gpre = np.where(pre > 0, gh, 0.01 * gh)
    g["w1"] = xb.T @ gpre; g["b1"] = gpre.sum(axis=0)
    norm = np.sqrt(sum(float(np.sum(v ** 2)) for v in g.values()))
    scale = min(1.0, 1.0 / (norm + 1e-8))
    for k in theta:
        theta[k] -= lr_t * scale * g[k]
    if t % 100 == 0:
        print(t, loss)
