"""All that is measured of a part's cases, over as many processes as wanted, gone on with where it was left."""

from __future__ import annotations

import multiprocessing
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.diagnosis.cases import groups
from benchmarks.diagnosis.detectors import Watch
from benchmarks.diagnosis.harm import FAULTY, UNCLEAR, Judge
from benchmarks.diagnosis.product import diagnose
from benchmarks.diagnosis.random_cure import cure_at_random
from benchmarks.diagnosis.records import Examined, Labelled, examinations, labels
from benchmarks.diagnosis.runs import train

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from benchmarks.diagnosis.cases import Case

QUICK_GROUPS = 5
"""Of so many groups the quick subset takes one."""


@dataclass(frozen=True)
class Record:
    """A case with its label, and its examination; none where nothing is to be said of it."""

    case: Labelled
    examined: Examined | None


@dataclass(frozen=True)
class Task:
    """One group of a part's cases, and what is known of them."""

    part: str
    group: int
    labelled: dict[str, Labelled]
    examined: frozenset[str]


def measure_part(part: str, folder: Path, workers: int, *, quick: bool = False) -> list[Record]:
    """Return the records of a part, in the order of its cases; those in the folder are not made again."""
    label_file, examination_file = labels(folder, part), examinations(folder, part)
    labelled, examined = label_file.read(), examination_file.read()
    keys = [[case.key for case in group] for group in groups(part)]
    chosen = range(0, len(keys), QUICK_GROUPS if quick else 1)
    tasks = [
        Task(
            part, number, {key: labelled[key] for key in keys[number] if key in labelled}, frozenset(examined)
        )
        for number in chosen
        if any(_is_missing(key, labelled, examined) for key in keys[number])
    ]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for number, records in enumerate(pool.imap_unordered(carry_out, tasks), start=1):
            for record in records:
                key = record.case.key
                if key not in labelled:
                    label_file.append(record.case)
                    labelled[key] = record.case
                if record.examined is not None and key not in examined:
                    examination_file.append(record.examined)
                    examined[key] = record.examined
            print(f"{part}: {number} of {len(tasks)} setups", file=sys.stderr, flush=True)
    return [Record(labelled[key], examined.get(key)) for number in chosen for key in keys[number]]


def _is_missing(key: str, labelled: Mapping[str, Labelled], examined: Container[str]) -> bool:
    return key not in labelled or (labelled[key].label.state != UNCLEAR and key not in examined)


def carry_out(task: Task) -> list[Record]:
    """Return the records of a group that are still to be made."""
    return list(_records(task))


def _records(task: Task) -> Iterator[Record]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        judge = Judge(folder)
        for case in groups(task.part)[task.group]:
            if _is_missing(case.key, task.labelled, task.examined):
                labelled = task.labelled.get(case.key) or label(case, judge, folder)
                examined = None if labelled.label.state == UNCLEAR else examine(case, labelled, folder)
                yield Record(labelled, examined)


def label(case: Case, judge: Judge, folder: Path) -> Labelled:
    """Label a case, and ask the known rules about it."""
    found = judge.label(case)
    watch = Watch()
    if found.state != UNCLEAR:
        train(case.twins.odd, found.seed, folder, watch)
    return Labelled(
        case.key,
        case.kind,
        tuple(fault.id for fault in case.faults),
        all(fault.curable for fault in case.faults),
        case.judged_by,
        found,
        watch.verdicts(),
    )


def examine(case: Case, labelled: Labelled, folder: Path) -> Examined:
    """Have a case diagnosed and treated, and a curable one cured at random as well."""
    begun = process_time()
    found, odd = labelled.label, case.twins.odd
    with np.errstate(all="ignore"):
        diagnosed = diagnose(odd.write(found.seed, folder))
    seconds = process_time() - begun
    at_random = None
    if found.state == FAULTY and labelled.curable:
        at_random = cure_at_random(odd, found.seed, diagnosed.step, folder).loss(case.judged_by)
    treated = diagnosed.loss(case.judged_by) / found.odd.baseline
    return Examined(case.key, diagnosed, treated, at_random, seconds)
