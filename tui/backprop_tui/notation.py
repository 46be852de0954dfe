"""The field's symbols, in Unicode and in ASCII: z¹₂ or z1.2, δ or d, ∂C/∂w or dC/dw."""

from __future__ import annotations

from backprop_core.frozen import dataclass

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

_WORDS = {
    "ˡ⁺¹δ": "_l+1 d",
    "δ": "d",
    "∂": "d",
    "Σ": "sum ",
    "·": "*",
    "⊙": "*",
    "σ": "sigmoid",
    "η": "rate",
    "λ": "lambda",
    "μ": "mu",
    "α": "alpha",
    "β": "beta",
    "ε": "eps",
    "√": "sqrt ",
    "‖": "|",
    "₁": "1",
    "₂": "2",
    "ᵗ": "^t",
    "−": "-",
    "½": "1/2",
    "²": "^2",
    "ᴸ": "_L",
    "ˡ": "_l",
    "⁺¹": "+1",
    "⁻¹": "-1",
    "ᵀ": "'",
    "₌": "=",
    "ⱼ": "j",
    "ₖ": "k",
    "→": "->",
    "←": "<-",
}

FUNCTION_NAMES = {"sigmoid": "σ"}
"""Activations whose function has a symbol of its own; the others are called by their names."""


@dataclass(frozen=True)
class Notation:
    """How symbols are written."""

    ascii: bool = False

    def write(self, text: str) -> str:
        """Return a formula given in Unicode as this notation writes it."""
        if self.ascii:
            for symbol, word in _WORDS.items():
                text = text.replace(symbol, word)
        return text

    def indexed(self, symbol: str, layer: int, *neurons: int) -> str:
        """Return a symbol with its layer raised and its neurons lowered: ``δ¹₂``, ``w²₁₂``, ``w²₁,₁₂``."""
        separator = "" if all(neuron < 10 for neuron in neurons) else ","
        if self.ascii:
            return ".".join([f"{self.write(symbol)}{layer}", *map(str, neurons)])
        lowered = separator.join(str(neuron).translate(_LOWERED) for neuron in neurons)
        return f"{symbol}{str(layer).translate(_RAISED)}{lowered}"

    def function(self, activation: str) -> str:
        """Return the name of an activation's function in a formula."""
        return self.write(FUNCTION_NAMES.get(activation, activation))


def digits(value: float) -> str:
    """Return a number with nine significant digits, as published examples give them."""
    return f"{value + 0.0:#.9g}" if value else "0"


def operand(value: float) -> str:
    """Return a number with four significant digits, to be an operand in a formula; negative in brackets."""
    text = f"{value + 0.0:.4g}"
    return f"({text})" if text.startswith("-") else text


def compact(value: float, width: int) -> str:
    """Return a number with as many of three significant digits as a width holds, never one that is cut."""
    for places in (3, 2, 1):
        for form in (f"{value + 0.0:.{places}g}", f"{value + 0.0:.{places - 1}e}"):
            mantissa, e, exponent = form.partition("e")
            text = f"{mantissa}e{int(exponent)}" if e else mantissa
            if len(text) <= width:
                return text
    return "-0" if value < 0 else "0"
