"""The mistakes that a review can name: a record each. Its id is what ``review --json`` prints."""

from __future__ import annotations

from backprop_core.frozen import dataclass


@dataclass(frozen=True)
class Known:
    """A mistake.

    Attributes
    ----------
    computes, should : str
        What the script computes and what it should, with {l} for the layer, and its names for values in {braces}.
    consequence : str
        What it does to the training.
    """

    id: str
    title: str
    computes: str
    should: str
    consequence: str


KNOWN = {
    known.id: known
    for known in (
        Known(
            "missing-output-derivative",
            "output derivative missing",
            "δ{l} = ∂L/∂a{l}, without f'(z{l})",
            "δ{l} = ∂L/∂a{l} ⊙ f'(z{l})",
            "an output that is clipped or saturated keeps pushing the weights although it cannot move",
        ),
        Known(
            "missing-hidden-derivative",
            "hidden derivative missing",
            "δ{l} = δ{n} W{n}ᵀ, without f'(z{l})",
            "δ{l} = (δ{n} W{n}ᵀ) ⊙ f'(z{l})",
            "units that are off are still pushed, and run away",
        ),
        Known(
            "derivative-missing-in-gradient-only",
            "derivative missing in the gradient only",
            "∂L/∂W{l} without f'(z{l}), though the layers below get it",
            "∂L/∂W{l} = a{p}ᵀ δ{l} with δ{l} = ∂L/∂a{l} ⊙ f'(z{l})",
            "this layer alone moves in a wrong direction",
        ),
        Known(
            "raw-error-propagated",
            "raw error propagated",
            "the layers below get ∂L/∂a{l} instead of δ{l}",
            "δ{p} = (δ{l} W{l}ᵀ) ⊙ f'(z{p}) with δ{l} = ∂L/∂a{l} ⊙ f'(z{l})",
            "the layers below move in a wrong direction",
        ),
        Known(
            "sum-instead-of-mean",
            "sum instead of mean",
            "the gradient summed over the samples",
            "the mean over the samples, as the loss is",
            "each step is as many times too long as there are samples: it overshoots, and kills ReLUs at once",
        ),
        Known(
            "divided-twice",
            "divided twice",
            "the gradient divided by the number of samples once too often",
            "divided by it once",
            "each step is as many times too short as there are samples: training crawls",
        ),
        Known(
            "sign-flipped", "sign flipped", "W + η ∂L/∂W", "W − η ∂L/∂W", "the loss rises instead of falling"
        ),
        Known(
            "derivative-of-activation-not-preactivation",
            "derivative taken at the activation",
            "f'(a{l})",
            "f'(z{l})",
            "the slope is nearly constant: training is slow and gets stuck",
        ),
        Known(
            "derivative-formula-on-preactivation",
            "formula for the activation used on the pre-activation",
            "the formula of f' in terms of a, with z{l} in it",
            "the same formula with a{l}",
            "the gradient is unbounded",
        ),
        Known(
            "derivative-of-error",
            "derivative taken at the error",
            "f' of the error",
            "f'(z{l})",
            "a direction that only sometimes points downhill",
        ),
        Known(
            "weights-in-place-of-activation",
            "weights in place of the activation",
            "∂L/∂W{l} with W in place of a{p}",
            "∂L/∂W{l} = a{p}ᵀ δ{l}",
            "the weights do not learn from the inputs: the output is constant",
        ),
        Known(
            "outputs-in-place-of-inputs",
            "outputs in place of inputs",
            "∂L/∂W{l} with a{l} in place of a{p}",
            "∂L/∂W{l} = a{p}ᵀ δ{l}",
            "the layer learns from what it gives instead of from what it gets",
        ),
        Known(
            "error-not-propagated",
            "error not propagated through the weights",
            "the output's error in place of δ{n} W{n}ᵀ",
            "δ{l} = (δ{n} W{n}ᵀ) ⊙ f'(z{l})",
            "the layers below learn in nearly random directions",
        ),
        Known(
            "weights-not-transposed",
            "weights not transposed",
            "δ{n} W{n}",
            "δ{n} W{n}ᵀ",
            "the error goes to the wrong units; no shape complains, as the layer is square",
        ),
        Known(
            "gradient-transposed",
            "gradient transposed",
            "(∂L/∂W{l})ᵀ",
            "∂L/∂W{l}",
            "each weight gets another one's gradient; no shape complains, as the layer is square",
        ),
        Known(
            "updated-before-backpropagating",
            "weights updated before the error went through them",
            "δ{l} from W{n} after its update",
            "δ{l} from W{n} as the forward pass used it",
            "a small error that grows with the learning rate",
        ),
        Known(
            "bias-gradient-wrong-axis",
            "bias gradient over the wrong axis or from the wrong δ",
            "∂L/∂b{l} from something else than δ{l} summed over the samples",
            "∂L/∂b{l} = Σ over the samples of δ{l}",
            "the bias moves to a wrong place",
        ),
        Known(
            "bias-never-updated",
            "bias never updated",
            "b{l} without its gradient",
            "b{l} − η Σ δ{l}",
            "the fit stays shifted",
        ),
        Known(
            "wrong-slope",
            "another slope than in the forward pass",
            "f'(z{l}) with another slope below zero",
            "the slope that the forward pass uses",
            "training is slow",
        ),
        Known(
            "extra-output-derivative",
            "output derivative once too often",
            "δ{l} multiplied by f'(z{l}) once more",
            "δ{l} = ∂L/∂z{l}, which already holds it",
            "learning is slow where the output is confident and wrong",
        ),
        Known(
            "softmax-diagonal-only",
            "softmax without its off-diagonal terms",
            "∂L/∂a ⊙ p(1 − p)",
            "p ⊙ (∂L/∂a − Σ ∂L/∂a ⊙ p)",
            "a wrong direction",
        ),
        Known(
            "broadcast-error",
            "error broadcast to a square",
            "targets and outputs of different shapes: every output minus every target",
            "both of the same shape",
            "the network converges to the mean of the targets",
        ),
        Known(
            "regularization-missing",
            "regularisation missing in the gradient",
            "∂L/∂W{l} without the loss's term in W",
            "its derivative added",
            "the weights grow larger than the loss asks for",
        ),
        Known(
            "regularization-wrong-factor",
            "regularisation with another factor than in the loss",
            "another multiple of W{l} than the loss's derivative has",
            "that of the loss",
            "the weights are held back more or less than the loss asks for",
        ),
        Known(
            "stale-gradient",
            "gradients never cleared",
            "the sum of all gradients so far",
            "this step's gradient alone",
            "the steps grow without end",
        ),
        Known(
            "one-sample-only",
            "one sample only",
            "the gradient of the same sample at every step",
            "that of all samples",
            "it fits one row",
        ),
        Known(
            "target-misaligned",
            "targets misaligned",
            "outputs compared with the targets of other samples, or in another scale",
            "each output with its own target",
            "the loss has a high floor",
        ),
        Known(
            "wrong-gradient",
            "wrong gradient",
            "something that no known mistake explains",
            "∂L/∂W{l}",
            "this parameter moves in a wrong direction",
        ),
        Known(
            "factor-of-two",
            "factor of two",
            "twice or half the gradient",
            "the gradient",
            "only rescales the learning rate",
        ),
        Known(
            "constant-factor",
            "constant factor",
            "a multiple of the gradient",
            "the gradient",
            "only rescales the learning rate",
        ),
    )
}
"""Id → the mistake."""
