"""What the review finds in a share of the corpus, run as its user would; ``make corpus`` takes all of it."""

import zlib

import pytest

from tests.review.corpus import catalogue
from tests.review.running import review_all
from tests.review.scoring import score

SINGLES, DOUBLES, CORRECT = 45, 12, 20


def spread(scripts, count):
    """Return about so many scripts that the reference confirms, taking turns among mistakes and styles."""
    turns = {}
    for script in sorted(scripts, key=lambda s: zlib.crc32(s.name.encode())):
        kind = script.mistakes[0].name if script.mistakes else script.style.name
        turns.setdefault(kind, []).append(script)
    chosen = []
    while len(chosen) < count and any(turns.values()):
        for kind in sorted(turns):
            if turns[kind] and len(chosen) < count:
                candidate = turns[kind].pop(0)
                if catalogue.is_confirmed(candidate):
                    chosen.append(candidate)
    return chosen


def scored(scripts, folder):
    results = [
        (script, report, score(script, report))
        for script, report in review_all(scripts, folder, options=["--gradient-only"])
    ]
    return results, [
        (s.name, [(m["id"], m["layer"]) for m in r["mistakes"]], r.get("reason"))
        for s, r, c in results
        if not c.exact
    ]


def share(results, holds):
    return sum(holds(result) for _, _, result in results) / len(results)


@pytest.fixture(scope="module")
def singles(tmp_path_factory):
    scripts = spread([s for s in catalogue.singles() if catalogue.is_plain(s)], SINGLES)
    return scored(scripts, tmp_path_factory.mktemp("singles"))


def test_single_mistakes_are_named_with_their_layer(singles):
    results, failures = singles
    assert share(results, lambda s: s.exact) >= 0.95, failures


def test_scripts_are_followed_without_help(singles):
    results, failures = singles
    assert share(results, lambda s: s.followed) >= 0.9, failures


def test_pairs_of_mistakes_are_named(tmp_path):
    results, failures = scored(spread(catalogue.doubles(400), DOUBLES), tmp_path)
    assert share(results, lambda s: s.exact) >= 0.8, failures


def test_nothing_is_found_in_correct_scripts(tmp_path):
    results, failures = scored(spread(catalogue.correct(), CORRECT), tmp_path)
    assert not [name for name, found, _ in failures if found]
    assert share(results, lambda s: s.followed) >= 0.9, failures
