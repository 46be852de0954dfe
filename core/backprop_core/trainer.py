"""The trainer: alone owns the network being trained, the order of the data, the optimizer and the randomness."""

from __future__ import annotations

import hashlib
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.backpropagation import augment
from backprop_core.commands import Condition, Outcome, Run
from backprop_core.datasets import Dataset, Standardizer, load_dataset
from backprop_core.errors import UserError
from backprop_core.evaluation import Evaluator, Units
from backprop_core.experiment_file import resolve
from backprop_core.features import derive, feature_count, features_of
from backprop_core.frozen import dataclass
from backprop_core.grammar import parse_condition
from backprop_core.history import LossHistory
from backprop_core.journal import Journal, Place
from backprop_core.keeper import EARLY_LOOKS, KEEP_EVERY, Keeper
from backprop_core.losses import LOSSES
from backprop_core.measures import COMPARISONS, QUANTITIES, take_snapshot
from backprop_core.network import build_network
from backprop_core.network_size import must_fit
from backprop_core.training_state import capture, restore
from backprop_core.training_step import StepFactory, new_optimizer_state

if TYPE_CHECKING:
    from backprop_core.commands import Command
    from backprop_core.divergence import Divergence
    from backprop_core.evaluation import Census
    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Mark, Snapshot
    from backprop_core.training_state import TrainingState

NON_FINITE = "non-finite loss"
_LOSSES_BUFFERED = 1024

ANCHOR_SECONDS = 0.1
ANCHOR_SHARE = 0.005
ANCHOR_BYTES = 256 * 1024 * 1024
"""Training keeps a state to look from for the beginning of a divergence, not larger than this, so often that
copying it takes no more than this share of the time."""


@dataclass(frozen=True)
class Goal:
    """Where a run ends: at an epoch or step count (of the whole training), or when a condition holds.

    The condition is looked at wherever an epoch ends.
    """

    epoch: int | None = None
    step: int | None = None
    until: Condition | None = None


class Trainer:
    """A network being trained.

    Parameters
    ----------
    experiment : Experiment
        Need not be resolved.
    dataset : Dataset, optional
        Instead of the one that the experiment names.

    Raises
    ------
    UserError
        If the experiment contradicts itself or its data cannot be read.

    Attributes
    ----------
    experiment, opened : Experiment
        As interventions have left it, and as it was opened.
    step_count, epoch : int
        Steps taken, whole epochs completed.
    ended : str or None
        Set once a step's loss is not finite; from then on no step is taken.
    interventions : list of Mark
    divergence : Divergence or None
        Where it began, once :meth:`located_divergence` has looked.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset | None = None) -> None:
        self.undo_stack: list[tuple[str, TrainingState]] = []
        self.record = Journal()
        self._given_dataset = dataset
        self._keeps_anchors = True
        self.open(resolve(experiment))

    @classmethod
    def at(cls, state: TrainingState) -> Trainer:
        """Return a trainer in a state; nothing can be undone yet."""
        trainer = cls._in_state(state)
        # A restart with another seed splits the data anew.
        trainer._given_dataset = None
        trainer._keeps_anchors = True
        return trainer

    @classmethod
    def fork(cls, state: TrainingState) -> Trainer:
        """Return a trainer for a what-if: it goes on from a state, with nothing to undo and no anchors."""
        fork = cls._in_state(state)
        fork.record.written_to = fork.place
        return fork

    @classmethod
    def _in_state(cls, state: TrainingState) -> Trainer:
        trainer = cls.__new__(cls)
        trainer.undo_stack = []
        trainer.record = Journal()
        trainer._given_dataset = state.dataset
        trainer._keeps_anchors = False
        trainer.rng = np.random.default_rng()
        trainer._losses = []
        trainer._noted = 0
        restore(trainer, state)
        return trainer

    def open(self, experiment: Experiment) -> None:
        """Start the experiment from its beginning: data, split, weights, all drawn from its seed.

        Raises
        ------
        UserError
            If its data or given weights do not fit; names the experiment's file.
        """
        try:
            self._open(experiment)
        except UserError as error:
            raise UserError(f"{experiment.source}: {error}" if experiment.source else str(error)) from None

    def _open(self, experiment: Experiment) -> None:
        self.experiment: Experiment = experiment
        self.opened: Experiment = experiment
        self.rng = np.random.default_rng(experiment.seed)
        data = experiment.data
        self.dataset = self._given_dataset or load_dataset(
            data, experiment.training.loss.name, self.rng, experiment.folder
        )
        features_of(data, self.dataset)
        features, outputs = feature_count(data, self.dataset), self.dataset.y.shape[1]
        must_fit(experiment, (features, *experiment.network.hidden, outputs), len(self.dataset.x))
        self.network = build_network(experiment.network, features, outputs)
        self.network.initialize(experiment.network.initializer, self.rng)
        self._assign_given_weights()
        self.fit_standardizers()
        self.optimizer = new_optimizer_state(experiment, self.network)
        self.order = np.arange(len(self.dataset.x))
        self.step_count: int = 0
        self.epoch: int = 0
        self.position: int = 0
        self.history = LossHistory()
        self.interventions: list[Mark] = []
        self.divergence: Divergence | None = None
        self.ended: str | None = None
        self._losses: list[float] = []
        self._noted = 0
        self.rebuild()
        self.keeper = Keeper(self)
        self._begin_epoch()

    def fit_standardizers(self) -> None:
        """Scale the data as the experiment says, by this training set."""
        data, dataset = self.experiment.data, self.dataset
        self.x_standardizer: Standardizer | None = None
        self.y_standardizer: Standardizer | None = None
        if data.standardize:
            self.x_standardizer = Standardizer.fit(derive(dataset.x, data.features))
            if dataset.kind != "classification":
                self.y_standardizer = Standardizer.fit(dataset.y)

    def hold(self, dataset: Dataset) -> None:
        """Have other data; a trainer that was given its data restarts with them."""
        self.dataset = dataset
        if self._given_dataset is not None:
            self._given_dataset = dataset

    def take_dataset(self, dataset: Dataset) -> None:
        """Train on other data from here on; where they have as many samples, in the same order.

        :meth:`rebuild` has to follow, once network and experiment fit them.
        """
        self.hold(dataset)
        if len(dataset.x) != len(self.order):
            self.order = np.arange(len(dataset.x))
            self._begin_epoch()

    def beginning(self) -> Trainer:
        """Return another trainer, at the beginning of the experiment as it was opened."""
        return Trainer(self.opened, self._given_dataset)

    def _assign_given_weights(self) -> None:
        weights = self.experiment.network.weights
        if weights is None:
            return
        if isinstance(weights, str):
            from backprop_core.archives import read_weights

            path = self.experiment.folder / weights
            self.network.assign(read_weights(path), str(path))
        else:
            arrays = {name: np.array(values, np.float64) for name, values in weights}
            self.network.assign(arrays, "[network.weights]")

    def rebuild(self) -> None:
        """Build anew what follows from experiment, network and data; to be called when one has changed."""
        training = self.experiment.training
        dataset, dtype = self.dataset, self.network.dtype
        units = Units()
        y = dataset.y
        if self.y_standardizer is not None:
            units = Units(self.y_standardizer.mean, self.y_standardizer.scale)
            y = self.y_standardizer.transform(y)
        x = self.scaled(dataset.x)
        self.optimizer.learning_rate = training.learning_rate
        self.optimizer.weight_decay = training.weight_decay
        self.steps = StepFactory(
            self.experiment,
            self.network,
            self.optimizer,
            augment(x, self.network.bias, dtype),
            np.ascontiguousarray(y.T, dtype),
            units,
        )
        loss, options = LOSSES[training.loss.name], dict(training.loss.options)
        self.training_set = Evaluator(self.network, x, dataset.y, loss, options, units)
        self.validation_set = Evaluator(
            self.network, self.scaled(dataset.x_validation), dataset.y_validation, loss, options, units
        )
        self._census: tuple[int, Census] | None = None
        self.stepped = False
        self._anchors: list[TrainingState] = []
        self._anchor_due = 0.0

    def scaled(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return inputs in the data's units as the network expects them: their features, standardised."""
        x = derive(x, self.experiment.data.features)
        return x if self.x_standardizer is None else self.x_standardizer.transform(x)

    @property
    def batch_size(self) -> int:
        """Samples of a full batch of an epoch."""
        return min(self.experiment.training.batch_size or len(self.order), len(self.order))

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch, the last of which may have fewer samples."""
        return -(-len(self.order) // self.batch_size)

    def step(self, batches: int = 1) -> int:
        """Take so many steps, and return how many were taken: fewer once a loss was not finite."""
        taken = 0
        while taken < batches and self.ended is None:
            if self._keeps_anchors and perf_counter() >= self._anchor_due:
                self._drop_anchor()
            taken += self._step_within_epoch(batches - taken)
        return taken

    def take_steps(self, batches: int) -> None:
        """Take steps as :meth:`step` does, whatever becomes of the numbers."""
        self._anchor_due = inf
        self.step(batches)

    def _drop_anchor(self) -> None:
        """Keep this state, to look from it for the beginning of a divergence."""
        begun = perf_counter()
        vectors = 3 + len(self.optimizer.moments)
        small = vectors * self.network.parameters.nbytes + self.order.nbytes <= ANCHOR_BYTES
        if small:
            # Two, so that there is one to look from even if the divergence comes right after the other.
            self._anchors = [*self._anchors[-1:], capture(self)]
        now = perf_counter()
        self._anchor_due = now + max(ANCHOR_SECONDS, (now - begun) / ANCHOR_SHARE)

    def located_divergence(self) -> Divergence | None:
        """Return where the divergence began, if the loss is not finite; found when first asked for."""
        if self.ended and self.divergence is None:
            from backprop_core.divergence import locate

            self.divergence = locate(self, self._anchors[0] if self._anchors else None)
        return self.divergence

    def _step_within_epoch(self, most: int) -> int:
        """Take up to ``most`` steps of equal batch size, ending an epoch at the latest where it ends."""
        samples = len(self.order)
        size = min(self.batch_size, samples - self.position)
        step = self.steps.step(size)
        most = min(most, self._steps_to_look())
        if size == samples:
            taken = self._full_batch_steps(step.forward, step.loss, step.backward + step.update, most)
            self.epoch += taken
        else:
            most = min(most, (samples - self.position) // size, _LOSSES_BUFFERED)
            taken = self._batch_steps(size, most)
            if self.position == samples:
                self.epoch += 1
                self._begin_epoch()
        self.step_count += taken
        self.stepped = self.stepped or taken > 0
        if taken and self.step_count % KEEP_EVERY == 0:
            self._note_losses()
            self.keeper.look()
        elif taken and self.step_count in EARLY_LOOKS:
            self.keeper.look_at_validation()
        if self.validation_set.samples or len(self._losses) >= _LOSSES_BUFFERED:
            self.flush_history()
        return taken

    def _steps_to_look(self) -> int:
        """Return how many steps there are to the keeper's next look."""
        if self.step_count < EARLY_LOOKS[-1] and self.validation_set.samples:
            return next(look for look in EARLY_LOOKS if look > self.step_count) - self.step_count
        return KEEP_EVERY - self.step_count % KEEP_EVERY

    def _full_batch_steps(self, forward: Any, loss: Any, backward: Any, most: int) -> int:
        record, inf = self._losses.append, np.inf
        most = min(most, self._steps_to_validation())
        for taken in range(most):
            for operation in forward:
                operation()
            value = loss()
            if not value < inf:
                self._diverge(value)
                return taken
            record(value)
            for operation in backward:
                operation()
        return most

    def _batch_steps(self, size: int, most: int) -> int:
        step = self.steps.step(size)
        inputs, targets = self.steps.inputs, self.steps.targets
        backward, record, inf, take = step.backward + step.update, self._losses.append, np.inf, np.take
        for taken in range(most):
            batch = self.order[self.position : self.position + size]
            # mode="clip" skips the check of every index, for which `take` would need a buffer.
            take(inputs, batch, axis=0, out=step.rows, mode="clip")
            take(targets, batch, axis=1, out=step.targets, mode="clip")
            for operation in step.forward:
                operation()
            value = step.loss()
            if not value < inf:
                self._diverge(value)
                return taken
            record(value)
            for operation in backward:
                operation()
            self.position += size
        return most

    def _steps_to_validation(self) -> int:
        """Return how many full-batch steps may pass before the history wants to be looked after."""
        if not self.validation_set.samples:
            return _LOSSES_BUFFERED
        steps = self.history.steps + len(self._losses)
        return min(self.history.stride - steps % self.history.stride, _LOSSES_BUFFERED)

    def _begin_epoch(self) -> None:
        self.position = 0
        if self.batch_size < len(self.order):
            self.rng.shuffle(self.order)

    def _diverge(self, loss: float) -> None:
        self._losses.append(float(loss))
        self.flush_history()
        self.ended = NON_FINITE

    def flush_history(self) -> None:
        """Move the losses of the last steps into the history, and measure the validation loss if it is due."""
        self._note_losses()
        self.history.extend(self._losses)
        self._losses.clear()
        self._noted = 0
        at_epoch_end = self.position == 0
        if self.validation_set.samples and at_epoch_end and self.history.wants_validation():
            self.history.add_validation(self.validation_set.loss())

    def forget_losses(self) -> None:
        """Drop the losses of steps that are not to become history: the state from before them is restored."""
        self._losses.clear()
        self._noted = 0

    def _note_losses(self) -> None:
        self.keeper.note(self._losses[self._noted :])
        self._noted = len(self._losses)

    def run_epochs(self, epochs: int) -> int:
        """Train to the ``epochs``-th end of an epoch from here, and return the steps taken."""
        before = self.step_count
        self.advance(Goal(epoch=self.epoch + epochs), None)
        return self.step_count - before

    def goal(self, command: Run) -> Goal:
        """Return where a ``run`` from here ends; a bare one where the experiment does."""
        if command == Run():
            until = self.experiment.until
            return Goal(epoch=self.experiment.epochs or None, until=parse_condition(until) if until else None)
        return Goal(
            epoch=None if command.epochs is None else self.epoch + command.epochs,
            step=None if command.steps is None else self.step_count + command.steps,
            until=command.until,
        )

    def reached(self, goal: Goal) -> str | None:
        """Return why a run to this goal is over, or None."""
        if self.ended:
            return self.ended
        if goal.epoch is not None and self.epoch >= goal.epoch:
            return "until" if self._met(goal.until) else "epochs"
        if goal.step is not None and self.step_count >= goal.step:
            return "steps"
        return "until" if self.position == 0 and self._met(goal.until) else None

    def _met(self, condition: Condition | None) -> bool:
        return condition is not None and self.holds(condition)[0]

    def advance(self, goal: Goal, most: int | None) -> str | None:
        """Take at most ``most`` steps towards a goal; return why it is over, or None if it is not.

        However a run is cut into calls, the weights are the same.
        """
        left = most
        while (reason := self.reached(goal)) is None and left != 0:
            chunk = self._steps_towards(goal)
            if left is not None:
                chunk = min(chunk, left)
                left -= chunk
            self.step(chunk)
        return reason

    def _steps_towards(self, goal: Goal) -> int:
        to_epoch_end = -(-(len(self.order) - self.position) // self.batch_size)
        steps = to_epoch_end
        if goal.until is None:
            epochs = _LOSSES_BUFFERED if goal.epoch is None else goal.epoch - self.epoch
            steps += (epochs - 1) * self.steps_per_epoch
        if goal.step is not None:
            steps = min(steps, goal.step - self.step_count)
        return steps

    def run(self, command: Run) -> str:
        """Train until the command's goal is reached, and return why it is over."""
        return self.advance(self.goal(command), None) or ""

    def apply(self, command: Command) -> Outcome:
        """Carry out a command; ``run`` is carried out to its end.

        Raises
        ------
        UserError
            If it cannot be done; nothing has changed then.
        """
        # Imported here: a run without commands starts sooner, and interventions know the trainer.
        from backprop_core.interventions import carry_out

        return carry_out(self, command)

    def census(self) -> Census:
        """Return the full-pass loss and the dead neurons at this step."""
        if self._census is None or self._census[0] != self.step_count:
            with np.errstate(all="ignore"):
                self._census = self.step_count, self.training_set.census()
        return self._census[1]

    def validation_loss(self) -> float | None:
        """Return the full-pass loss of the validation set, None where there is none."""
        if not self.validation_set.samples:
            return None
        with np.errstate(all="ignore"):
            return self.validation_set.loss()

    def baseline(self) -> float:
        """Return the loss of always predicting the mean of the training targets, over the training set."""
        loss = LOSSES[self.experiment.training.loss.name]
        targets = self.dataset.y.T
        mean = np.repeat(targets.mean(axis=1, keepdims=True), targets.shape[1], axis=1)
        return loss.value(mean, targets, **dict(self.experiment.training.loss.options))

    def holds(self, condition: Condition) -> tuple[bool, float]:
        """Return whether a condition holds now, and what was measured."""
        value = QUANTITIES[condition.quantity](self)
        return COMPARISONS[condition.comparison](value, condition.value), value

    def gradient(self) -> np.ndarray[Any, Any]:
        """Return the flat gradient of the last step, or before any step that of the coming one."""
        if not self.stepped:
            self._peek()
        if self.steps.folded:
            scaled: np.ndarray[Any, Any] = self.optimizer.update / self.experiment.training.learning_rate
            return scaled
        return self.optimizer.gradient

    def coming_batch(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return inputs (samples, features [+ 1]) and targets (outputs, samples) of the coming step."""
        size = min(self.batch_size, len(self.order) - self.position)
        if size == len(self.order):
            return self.steps.inputs, self.steps.targets
        batch = self.order[self.position : self.position + size]
        return self.steps.inputs[batch], self.steps.targets[:, batch]

    def _peek(self) -> None:
        rows, targets = self.coming_batch()
        step = self.steps.step(len(rows))
        if step.rows is not None and step.targets is not None:
            step.rows[:] = rows
            step.targets[:] = targets
        with np.errstate(all="ignore"):
            for operation in step.forward + step.backward:
                operation()

    def snapshot(self, rows: int = 100) -> Snapshot:
        """Return the state for a record, with the first ``rows`` predictions."""
        return take_snapshot(self, rows)

    def parameters_sha256(self) -> str:
        """Return the hash of the flat parameter vector as little-endian float64."""
        return hashlib.sha256(self.network.parameters.astype("<f8").tobytes()).hexdigest()

    @property
    def undoable(self) -> str | None:
        """What ``undo`` would take back, None if there is nothing."""
        if self.undo_stack:
            return self.undo_stack[-1][0]
        divergence = self.located_divergence()
        return "the divergence" if divergence and divergence.before else None

    @property
    def place(self) -> Place:
        """How far training has come."""
        return Place(self.step_count, self.epoch, self.position)

    @property
    def journal(self) -> tuple[Command, ...]:
        """All that was done: commands, and the training between them as ``run`` and ``step``."""
        self.record.note_training(self.place)
        return tuple(self.record.commands)
