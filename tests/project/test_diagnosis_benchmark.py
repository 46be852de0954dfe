"""The benchmark of the diagnosis: its labels, its statistics, and that it can be repeated and gone on with."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from backprop_core.experiment_file import format_experiment
from benchmarks.diagnosis.cases import Case, groups
from benchmarks.diagnosis.detectors import RULES, Look, Watch
from benchmarks.diagnosis.faults import FAULTS, PAIRS
from benchmarks.diagnosis.figures import gap_closed, made_worse, repaired, rightly_named, strictly_named
from benchmarks.diagnosis.harm import Judge, Label, clearly_better
from benchmarks.diagnosis.measuring import Record
from benchmarks.diagnosis.product import Diagnosed, read_events
from benchmarks.diagnosis.records import Examined, Labelled, examinations, labels
from benchmarks.diagnosis.runs import Ended, train
from benchmarks.diagnosis.samples import Samples
from benchmarks.diagnosis.setups import PARTS, Setup, Twins
from benchmarks.diagnosis.statistics import Share, confusion
from benchmarks.diagnosis.watching import cost_of_watching

LINE = np.linspace(-1.0, 1.0, 20)[:, None]


def setup(**keys) -> Setup:
    """A line, which a linear neuron learns within a few steps."""
    plain = Setup(
        "line",
        Samples.without_validation("regression", LINE, 2 * LINE + 1),
        {
            "experiment.epochs": 40,
            "network.hidden": [4],
            "network.activation": "tanh",
            "network.output": "linear",
            "training.loss": "mse",
            "training.optimizer": "sgd",
            "training.learning_rate": 0.1,
            "training.batch_size": "full",
        },
    )
    return plain.having(**keys)


def case(odd: Setup, clean: Setup, faults=(), alone=()) -> Case:
    return Case("line", "test", Twins(odd, clean), (0, 1, 2, 3, 4), faults, alone)


def record(odd=0.9, clean=0.1, treated=None, named=(), roots=("dead-units",), also=()) -> Record:
    label = Label("faulty", 0, Ended(odd, inf, 1.0), Ended(clean, inf, 1.0), 5, roots, also)
    diagnosed = Diagnosed(named, named, 7, (), 0.5, inf)
    labelled = Labelled("k", "kind", roots, True, "training", label, {"rule": True})
    examined = None if treated is None and not named else Examined("k", diagnosed, treated or odd, 0.4, 1.0)
    return Record(labelled, examined)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_wilsons(hits, total, low, high):
    assert Share(hits, total).interval() == pytest.approx((low, high), abs=5e-5)


def test_of_nothing_there_is_no_share_and_every_value_is_possible():
    assert Share.of([]).value is None
    assert Share.of([]).interval() == (0.0, 1.0)


def test_the_confusion_counts_what_was_named_for_each_injected_fault():
    assert confusion([("a", "b"), ("a", "a"), ("a", "b"), ("c", "c")]) == {
        "a": Counter(b=2, a=1),
        "c": Counter(c=1),
    }


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_the_same_every_time(part):
    first, second = ([c for group in groups(part) for c in group] for _ in range(2))
    assert [c.key for c in first] == [c.key for c in second]
    assert len({c.key for c in first}) == len(first)
    for one, other in zip(first, second, strict=True):
        assert one.twins.odd.keys == other.twins.odd.keys
        assert np.array_equal(one.twins.odd.samples.x, other.twins.odd.samples.x)
        assert np.array_equal(one.twins.odd.samples.y, other.twins.odd.samples.y)


def test_the_parts_have_neither_data_nor_architectures_nor_seeds_in_common():
    tuning, held_out = ([c for group in groups(part) for c in group] for part in PARTS)

    def traits(cases: list[Case]) -> list[set]:
        clean = [c for c in cases if c.kind == "clean"]
        return [
            {c.key.split()[0] for c in clean},
            {(c.twins.clean.hidden, c.twins.clean.activation) for c in clean},
            {seed for c in cases for seed in c.seeds},
        ]

    for one, other in zip(traits(tuning), traits(held_out), strict=True):
        assert not one & other


def test_together_the_parts_have_enough_runs_and_every_fault_and_pair():
    cases = [c for part in PARTS for group in groups(part) for c in group]
    assert len(cases) >= 600
    kinds = {c.kind for c in cases}
    assert {fault.name for fault in FAULTS} <= kinds
    assert {f"{first} and {second}" for first, second in PAIRS} & kinds


def test_every_case_is_an_experiment_that_the_program_reads(tmp_path):
    for part in PARTS:
        for group in groups(part)[::7]:
            for one in group:
                experiment = one.twins.odd.experiment(one.seeds[0], tmp_path)
                assert "data.npz" in format_experiment(experiment)


@pytest.mark.parametrize(
    ("loss", "other", "better"),
    [(0.1, 0.2, True), (0.1, 0.14, False), (0.001, 0.04, False), (0.5, 0.6, False), (0.9, inf, True)],
)
def test_clearly_better_is_both_a_gap_and_a_ratio(loss, other, better):
    assert clearly_better(loss, other) is better
    assert not clearly_better(other, loss)


def test_a_case_is_faulty_where_the_clean_twin_does_better_from_most_seeds(tmp_path):
    fault = next(fault for fault in FAULTS if fault.name == "rate too low")
    slow, judge = setup(training__learning_rate=1e-5), Judge(tmp_path)
    assert judge.label(case(slow, setup(), (fault,))).state == "faulty"
    assert judge.label(case(slow, setup(), (fault,))).roots == ("learning-rate-too-low",)
    assert judge.label(case(setup(), setup(), (fault,))).state == "healthy"


def test_an_oddity_that_does_harm_counts_neither_as_healthy_nor_as_a_known_fault(tmp_path):
    assert Judge(tmp_path).label(case(setup(training__learning_rate=1e-5), setup())).state == "unclear"


def test_where_the_twin_does_not_learn_either_nothing_can_be_said(tmp_path):
    frozen = setup(training__learning_rate=0.0)
    assert Judge(tmp_path).label(case(frozen, frozen)).state == "unclear"


def test_of_two_faults_the_roots_are_those_that_harm_alone(tmp_path):
    low, missing = (
        next(fault for fault in FAULTS if fault.name == name)
        for name in ("rate too low", "hidden derivative missing")
    )
    slow, harmless = setup(training__learning_rate=1e-5), setup()
    label = Judge(tmp_path).label(case(slow, setup(), (low, missing), (slow, harmless)))
    assert label.roots == ("learning-rate-too-low",)


def test_a_repair_closes_the_gap_from_what_a_constant_prediction_costs_at_most():
    assert gap_closed(record(0.9, 0.1, None), 0.5) == pytest.approx(0.5)
    assert gap_closed(record(1e6, 0.1, None), 1.0) == pytest.approx(0.0)
    assert repaired(record(0.9, 0.1, 0.25))
    assert not repaired(record(0.9, 0.1, 0.27))
    assert not repaired(record(0.9, 0.1, None))


def test_made_worse_is_judged_as_harm_is():
    assert made_worse(record(0.3, 0.1, 0.5))
    assert not made_worse(record(0.3, 0.1, 0.4))


def test_the_root_may_be_named_by_what_it_does_but_strictly_only_by_itself():
    other = record(named=("diverging", "dead-units"), roots=("learning-rate-too-high",), also=("diverging",))
    assert rightly_named(other)
    assert not strictly_named(other)
    assert not rightly_named(record(named=("saturated-units", "dead-units")))
    assert not rightly_named(record(named=()))


def test_records_are_read_back_and_a_torn_line_is_made_again(tmp_path):
    kept = record(odd=inf, named=("dead-units",), treated=0.2)
    for store, one in (
        (labels(tmp_path, "tuning"), kept.case),
        (examinations(tmp_path, "tuning"), kept.examined),
    ):
        store.append(one)
        with store.path.open("a") as file:
            file.write(store.path.read_text()[:40])
        assert store.read() == {"k": one}


def test_findings_are_those_of_the_first_diagnosis_that_is_confirmed():
    cure = {"id": "c", "command": "add-bias", "confirmed": True}
    events = [
        {"event": "finding", "id": "a", "step": 5, "cures": [{**cure, "confirmed": False}]},
        {"event": "finding", "id": "b", "step": 9, "cures": [cure]},
        {"event": "finding", "id": "a", "step": 9, "cures": []},
        {"event": "command", "command": "add-bias"},
        {"event": "finding", "id": "d", "step": 20, "cures": [cure]},
        {"event": "snapshot", "loss": {"training": None, "validation": 0.5}},
    ]
    found = read_events(events)
    assert (found.named, found.confirmed, found.step) == (("b", "a"), ("b",), 9)
    assert (found.training, found.validation, found.treatment) == (inf, 0.5, ("add-bias",))


def look(**changes) -> Look:
    quiet = Look(np.zeros((5, 1)), (np.full((4, 10), 0.5),), (1.0, 1.0), (1e-2, 1e-2))
    return replace(quiet, **changes)


@pytest.mark.parametrize(
    ("rule", "ill"),
    zip(
        range(5),
        [
            look(hidden=(np.repeat([[0.0], [0.0], [0.0], [1.0]], 10, axis=1),)),
            look(gradients=(1e-4, 1.0)),
            look(inputs=np.full((5, 1), 1.1)),
            look(update_ratios=(1e-6, 1e-2)),
            look(hidden=(np.concatenate([np.zeros((1, 10)), np.ones((3, 10))]),)),
        ],
        strict=True,
    ),
)
def test_each_known_rule_calls_ill_what_it_looks_for_and_nothing_else(rule, ill):
    assert RULES[rule].holds(ill)
    assert not RULES[rule].holds(look())


def test_a_rule_has_to_hold_at_half_of_the_looks(tmp_path):
    watch = Watch()
    train(setup(), 0, tmp_path, watch)
    assert watch.verdicts()["inputs outside [-1, 1]"] is False
    wide = setup().drawing_from(Samples.without_validation("regression", 3 * LINE, LINE))
    watch = Watch()
    train(wide, 0, tmp_path, watch)
    assert watch.verdicts()["inputs outside [-1, 1]"] is True


def test_watching_is_timed_with_its_first_look(monkeypatch):
    looks = []
    monkeypatch.setattr("backprop_core.diagnosis.watch.Watch.prepare", lambda watch: looks.append("prepare"))
    assert 0.0 < cost_of_watching("xor", seconds=0.3) < 1.0
    assert looks == ["prepare"]
