"""The words and numbers of a dissected step: what is applied, the formula with its numbers, the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.frozen import dataclass
from backprop_core.update_dissection import first_and_last
from backprop_core.wording import plain_number
from backprop_tui.notation import Notation, digits, operand
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from backprop_core.dissection import Change, Dissection, WeightedSum
    from backprop_core.experiment import Experiment
    from backprop_core.update_dissection import Share, Shares
    from backprop_core.working import Working

EQUATIONS = (
    ("1", "δᴸ = ∂C/∂aᴸ ⊙ f'(zᴸ)", "error of the output layer"),
    ("2", "δˡ = Wˡ⁺¹δˡ⁺¹ ⊙ f'(zˡ)", "error of a layer from the next"),
    ("3", "∂C/∂bˡ = δˡ", "gradient of the biases"),
    ("4", "∂C/∂Wˡ = aˡ⁻¹(δˡ)ᵀ", "gradient of the weights"),
)
"""The four equations of backpropagation; W is (fan-in, fan-out), as weights are saved."""

TERMS_WRITTEN_OUT = 6
UPDATES_WRITTEN_OUT = 2
"""For so many weights the update is a formula; the table has all that fit."""

LOSSES = {
    "quadratic": "C = ½ Σ (a − y)²",
    "mse": "C = Σ (a − y)² / outputs",
    "mae": "C = Σ |a − y| / outputs",
    "huber": "C = Σ huber(a − y) / outputs",
    "binary-cross-entropy": "C = −Σ (y·ln a + (1 − y)·ln(1 − a)) / outputs",
    "cross-entropy": "C = −Σ y·ln a",
}


@dataclass(frozen=True)
class Row:
    """Numbers with a label before them.

    ``weight`` and ``sample`` say what is chosen by choosing the row, ``here`` that it is.
    """

    label: str
    numbers: tuple[str, ...]
    ink: int = Ink.TEXT
    weight: int | None = None
    sample: int | None = None
    here: bool = False


@dataclass(frozen=True)
class Table:
    """A heading and rows; ``note`` tells what is left out."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


class StepText:
    """What is to be read at a station of the step.

    Parameters
    ----------
    dissection : Dissection
    experiment : Experiment
    ascii_only : bool
    """

    def __init__(self, dissection: Dissection, experiment: Experiment, *, ascii_only: bool = False) -> None:
        self.it = dissection
        self.experiment = experiment
        self.n = Notation(ascii_only)
        self.most_terms, self.width, self.room = TERMS_WRITTEN_OUT, 120, 1000
        station = dissection.station
        self.layer, self.neuron = station.layer, station.neuron
        self.function = self.n.function(dissection.activation)
        self.is_output = station.layer == len(dissection.sizes) - 1

    def symbol(self, name: str, *neurons: int, layer: int | None = None) -> str:
        """Return a symbol with the station's layer, and its neuron if no other is given."""
        return self.n.indexed(name, self.layer if layer is None else layer, *(neurons or (self.neuron,)))

    @property
    def applied(self) -> tuple[str, ...]:
        """The numbers of the equations of :data:`EQUATIONS` that are applied here."""
        if self.it.station.phase != "backward":
            return ()
        return ("1" if self.is_output else "2", "3", "4")

    def equation(self) -> str:
        """Return what is applied here, in symbols."""
        return self.n.write(
            {
                "forward": "z = Σ w·a + b,  a = f(z)",
                "loss": LOSSES[self.experiment.training.loss.name],
                "backward": self._backward_equation(),
                "update": self._update_equation(),
            }[self.it.station.phase]
        )

    def _backward_equation(self) -> str:
        rule = self.it.neuron.rule
        if rule == "canonical":
            outputs = " / outputs" if self._output_share() != 1 else ""
            return f"δ = (a − y){outputs}: loss and {self.it.activation} cancel f'"
        if rule == "jacobian":
            return "δ = a·(e − Σ a·e) with e = ∂C/∂a: the softmax of one output is in all"
        error = "∂C/∂a" if self.is_output else "(Σ w·δ of the next layer)"
        return f"δ = {error}" + (": f' is left out, by mistake" if rule == "missing" else " · f'(z)")

    def _output_share(self) -> float:
        from backprop_core.losses import LOSSES as CATALOGUE

        return CATALOGUE[self.experiment.training.loss.name].canonical_weight(self.it.sizes[-1])

    def _update_equation(self) -> str:
        if self._plain:
            of = f", the {self._reduced} over the batch" if self.it.batch > 1 else ""
            return f"w ← w − η·∂C/∂w{of}"
        of = f" from the batch's {self._reduced} of ∂C/∂w" if self.it.batch > 1 else " from ∂C/∂w"
        return f"w ← w − update, by {self.experiment.training.optimizer.name}{of}"

    @property
    def _plain(self) -> bool:
        from backprop_core.optimizers import is_plain

        return is_plain(self.experiment.training)

    def formulas(self, width: int = 120) -> list[str]:
        """Return the station's formulas with their numbers, one a line; as many terms as a width holds."""
        self.width = width
        for self.most_terms in range(TERMS_WRITTEN_OUT, 0, -1):
            lines = self._formulas()
            if max(map(len, lines), default=0) <= width:
                break
        return lines

    def _formulas(self) -> list[str]:
        return {
            "forward": self._forward,
            "loss": self._loss,
            "backward": self._backward,
            "update": self._update,
        }[self.it.station.phase]()

    def _forward(self) -> list[str]:
        neuron = self.it.neuron
        z, a = self.symbol("z"), self.symbol("a")
        bias = "" if neuron.bias is None else f" + {operand(neuron.bias)}"
        named = f"{self.function}({digits(neuron.pre_activation)})"
        if self.it.activation == "softmax":
            named = "exp(z) / " + self.n.write("Σ exp(z)")
        elif self.it.activation == "linear":
            named = "z"
        return [
            f"{z} = {self._sum_of(neuron.incoming)}{bias} = {digits(neuron.pre_activation)}",
            f"{a} = {named} = {digits(neuron.activation)}",
        ]

    def _sum_of(self, terms: WeightedSum) -> str:
        dot = self.n.write("·")
        shown = [
            f"{operand(term.weight)}{dot}{operand(term.value)}" for term in terms.terms[: self.most_terms]
        ]
        hidden = len(terms.terms) - len(shown) + terms.others
        return " + ".join([*shown, *([f"{hidden} more"] if hidden else [])])

    def _loss(self) -> list[str]:
        parts = [operand(output.part) for output in self.it.outputs[: self.most_terms]]
        hidden = len(self.it.outputs) - len(parts) + self.it.more_outputs
        total = " + ".join([*parts, *([f"{hidden} more"] if hidden else [])])
        whole = f"C = {total} = {digits(self.it.sample_loss)}"
        if self.it.batch == 1:
            return [whole] if self.it.sample_loss == self.it.loss else [whole, self._batch_loss()]
        return [whole + " on this sample", self._batch_loss()]

    def _batch_loss(self) -> str:
        units = " in the data's own units" if self.it.scaled else ""
        samples = f"the mean over the batch's {self.it.batch} samples" if self.it.batch > 1 else "the loss"
        return f"{samples}{units} is {digits(self.it.loss)}"

    def _backward(self) -> list[str]:
        neuron, dot = self.it.neuron, self.n.write("·")
        delta = self.symbol("δ")
        slope = f"{self.function}'({operand(neuron.pre_activation).strip('()')})"
        if neuron.rule in ("canonical", "jacobian"):
            return self._joint_error(delta)
        inner = self.n.write("∂C/∂a") if self.is_output else self._sum_of(neuron.outgoing)
        if neuron.rule == "missing":
            return [f"{delta} = {inner} = {digits(neuron.delta)}"]
        value = f"{digits(neuron.arriving)} {dot} {digits(neuron.derivative)} = {digits(neuron.delta)}"
        if self.is_output:
            return [f"{delta} = {inner} {dot} {slope} = {value}"]
        return [f"{delta} = ({inner}) {dot} {slope}", f"{' ' * len(delta)} = {value}"]

    def _joint_error(self, delta: str) -> list[str]:
        neuron, minus = self.it.neuron, self.n.write("−")
        if neuron.rule == "jacobian":
            return [f"{delta} = {digits(neuron.delta)}"]
        target = next((o.target for o in self.it.outputs if o.output == self.neuron), None)
        if target is None:
            return [f"{delta} = {digits(neuron.delta)}"]
        share = self._output_share()
        over = f" / {round(1 / share)}" if share != 1 else ""
        difference = f"{digits(neuron.activation)} {minus} {operand(target)}"
        return [f"{delta} = ({difference}){over} = {digits(neuron.delta)}"]

    def _update(self) -> list[str]:
        """Return how the chosen weight's gradient is made of the batch's samples, and its update of that."""
        neuron, chosen = self.it.neuron, self.it.neuron.chosen
        lines = [self._batch_gradient(neuron.shares)] if neuron.shares and self.it.batch > 1 else []
        lines += [self._worked(working) for working in neuron.workings if working.numbers or not lines]
        if lines:
            return [*lines, self._new_weight(chosen)]
        following = [change for change in neuron.changes if change.source > chosen.source > 0]
        return [self._new_weight(change) for change in (chosen, *following[: UPDATES_WRITTEN_OUT - 1])]

    def _batch_gradient(self, shares: Shares) -> str:
        """Return ∂C/∂w as the sum or mean of δ·a over the batch: the first samples' and the last one's."""
        left_out = shares.others + max(len(shares.shown) - self.most_terms, 0)
        first = shares.shown if not left_out else shares.shown[: max(self.most_terms - 1, 1)]
        terms = [operand(share.product) for share in first]
        if left_out:
            last = shares.shown[-1] if self.most_terms > 1 else None
            terms.append(f"{self.it.batch - len(first) - bool(last)} more")
            terms += [operand(last.product)] if last else []
        total, over = " + ".join(terms), ""
        if shares.mean:
            total, over = f"({total})", f" / {self.it.batch}"
        name = self.n.write("∂C/∂") + self._parameter(self.it.neuron.chosen)
        named = "g = " if self.it.neuron.workings and not self.it.neuron.workings[0].numbers else ""
        return f"{named}{name} = {total}{over} = {digits(shares.gradient)}"

    def _worked(self, working: Working) -> str:
        """Return a line of arithmetic: in symbols and numbers, where that is too long one of the two."""
        sign = self.n.write("←" if working.name in working.formula else "=")
        symbols = self.n.write(working.formula)
        numbers = self.n.write(working.places).format(*map(operand, working.numbers))
        both = f"{symbols} = {numbers}" if numbers else symbols
        lines = [
            f"{working.name} {sign} {text} = {digits(working.value)}" for text in (both, numbers, symbols)
        ]
        return next((line for line in lines if len(line) <= self.width), lines[-1])

    def _parameter(self, change: Change) -> str:
        return self.symbol("w", self.neuron, change.source) if change.source else self.symbol("b")

    def _new_weight(self, change: Change) -> str:
        name = self._parameter(change)
        minus, dot = self.n.write("−"), self.n.write("·")
        if change.frozen:
            return f"{name} = {change.after:.8g}, frozen"
        update = digits(change.update)
        subtracted = f"({update})" if change.update < 0 else update
        if self._plain:
            gradient = digits(change.gradient)
            factor = f"({gradient})" if change.gradient < 0 else gradient
            subtracted = f"{plain_number(self.experiment.training.learning_rate)}{dot}{factor}"
        # Eight digits, as published; the table has one more.
        return f"{name} = {change.before:.9g} {minus} {subtracted} = {change.after:.8g}"

    def tables(self, room: int = 1000) -> list[Table]:
        """Return the station's tables, the most important first.

        ``room`` is how many lines each may have; what a sum leaves out for want of it is in a line of its own.
        """
        self.room = room
        return {
            "forward": self._forward_tables,
            "loss": self._loss_tables,
            "backward": self._backward_tables,
            "update": self._update_tables,
        }[self.it.station.phase]()

    def _products(self, terms: WeightedSum, headings: tuple[str, ...]) -> Table:
        rows = tuple(
            Row(str(term.source), (digits(term.weight), digits(term.value), digits(term.product)))
            for term in terms.terms
        )
        note = f"{terms.others} more sum to {digits(terms.rest)}" if terms.others else ""
        return Table(headings, rows, note)

    @property
    def _value(self) -> str:
        """The symbol of what a weight multiplies."""
        return "x" if self.layer == 1 else "a"

    def _forward_tables(self) -> list[Table]:
        neuron, value = self.it.neuron, self._value
        source = "input" if self.layer == 1 else "from"
        table = self._products(neuron.incoming, (source, "w", value, f"w·{value}"))
        last = () if neuron.bias is None else (Row("bias", ("", "", digits(neuron.bias))),)
        return [Table(table.headings, (*table.rows, *last), table.note)]

    def _loss_tables(self) -> list[Table]:
        rows = tuple(
            Row(
                str(error.output),
                tuple(map(digits, (error.activation, error.target, error.part, error.derivative))),
            )
            for error in self.it.outputs
        )
        note = f"{self.it.more_outputs} more with smaller parts" if self.it.more_outputs else ""
        return [Table(("output", "a", "y", "part of C", "∂C/∂a"), rows, note)]

    def _backward_tables(self) -> list[Table]:
        tables = []
        if self.it.neuron.outgoing.terms:
            tables.append(self._products(self.it.neuron.outgoing, ("to", "w", "δ", "w·δ")))
        value = self._value
        headings: tuple[str, ...] = ("from", value, f"∂C/∂w = {value}·δ")
        if self.it.batch > 1:
            headings = (*headings, f"batch {self._reduced}")
        rows = tuple(self._gradient_row(change) for change in self.it.neuron.changes)
        return [*tables, Table(headings, rows, self._more_changes())]

    @property
    def _reduced(self) -> str:
        return "mean" if self.experiment.training.reduction == "mean" else "sum"

    def _gradient_row(self, change: Change) -> Row:
        value = digits(change.value) if change.source else "1"
        batch = (digits(change.gradient),) if self.it.batch > 1 else ()
        return Row(self._label(change), (value, digits(change.own), *batch))

    def _update_tables(self) -> list[Table]:
        chosen = self.it.neuron.chosen.source
        rows = tuple(
            Row(
                self._label(change),
                (
                    digits(change.before),
                    digits(change.gradient),
                    "frozen" if change.frozen else digits(change.update),
                    digits(change.after),
                ),
                Ink.MUTED if change.frozen else Ink.TEXT,
                weight=change.source,
                here=change.source == chosen,
            )
            for change in self.it.neuron.changes
        )
        subtracted = "η·∂C/∂w" if self._plain else "update"
        headings = ("from", "w before", "∂C/∂w", subtracted, "w after")
        tables = [Table(headings, rows, self._more_changes())]
        shares = self.it.neuron.shares
        return [*tables, self._shares_table(shares)] if shares and self.it.batch > 1 else tables

    def _shares_table(self, shares: Shares) -> Table:
        """Return the samples' shares in the chosen weight's gradient, with their sum, and mean if that is used."""
        value = self._value if self.it.neuron.chosen.source else "1"
        shown, others, rest = shares.shown, shares.others, shares.rest
        most = self.room - 2 - shares.mean
        if others or len(shown) > most:
            at = next(place for place, share in enumerate(shown) if share.sample == self.it.sample)
            kept = first_and_last(len(shown), max(most - 1, 1), at)
            rest += sum(share.product for place, share in enumerate(shown) if place not in kept)
            others += len(shown) - len(kept)
            shown = tuple(shown[place] for place in kept)
        rows = [self._share_row(share) for share in shown]
        if others:
            numbers = [share.sample for share in shown]
            gap = next(place for place, number in enumerate([*numbers, 0]) if number != place + 1)
            rows.insert(gap, Row("…", (f"{others} more", "", digits(rest)), Ink.MUTED))
        rows.append(Row("sum", ("", "", digits(shares.total)), Ink.STRONG))
        if shares.mean:
            rows.append(Row("mean", ("", "", digits(shares.gradient)), Ink.STRONG))
        return Table(("sample", "δ", value, f"δ·{value}"), tuple(rows))

    def _share_row(self, share: Share) -> Row:
        numbers = (digits(share.delta), digits(share.value), digits(share.product))
        return Row(str(share.sample), numbers, sample=share.sample, here=share.sample == self.it.sample)

    def _label(self, change: Change) -> str:
        return str(change.source) if change.source else "bias"

    def _more_changes(self) -> str:
        more = self.it.neuron.more_changes
        return f"{more} more change less" if more else ""

    def notes(self) -> list[tuple[str, int]]:
        """Return what else is to be said here, each with its ink: where an error stops, what the step does."""
        it = self.it
        notes: list[tuple[str, int]] = []
        if not it.taken:
            notes.append(("the loss is not finite: no step can be taken", Ink.WARNING))
        phase = it.station.phase
        if phase != "loss" and it.neuron.rule != "missing":
            notes += self._silence()
        if phase == "update" and it.taken:
            arrow = self.n.write("→")
            text = f"loss of this batch {digits(it.loss)} {arrow} {digits(it.loss_after)}"
            notes.append((text, Ink.STRONG))
        return notes

    def _silence(self) -> list[tuple[str, int]]:
        neuron = self.it.neuron
        stops = self.it.station.phase in ("backward", "update")
        if neuron.dead:
            end = ": its error stops here, no weight of it changes" if stops else ""
            return [(f"dead: f'(z) = 0 on every sample{end}", Ink.DEAD)]
        if neuron.silent == self.it.batch and self.it.batch > 1:
            end = ": its error stops here" if stops else ""
            return [(f"f'(z) = 0 on every sample of this batch{end}", Ink.DEAD)]
        if neuron.derivative == 0 and stops:
            return [("f'(z) = 0 on this sample: its error stops here", Ink.DEAD)]
        if neuron.silent:
            return [(f"f'(z) = 0 on {neuron.silent} of the batch's {self.it.batch} samples", Ink.MUTED)]
        return []
