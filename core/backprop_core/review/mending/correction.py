"""The corrected lines of a script, where a line of it can be told; and the script with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backprop_core.review.catalogue import KNOWN

if TYPE_CHECKING:
    from backprop_core.review.comparing.finding import Finding
    from backprop_core.review.comparing.points import Network

STATEMENT = re.compile(
    r"^(?P<indent>\s*)(?P<target>[\w.\[\]'\", ]+?)\s*(?P<op>[-+]?=)(?!=)\s*(?P<value>[^#]+?)\s*(?P<comment>#.*)?$"
)


def corrected_lines(finding: Finding, network: Network, line: int, source: list[str]) -> dict[int, str]:
    """Return line number → the line as it should be; empty where it cannot be told."""
    if finding.id.startswith("missing-") or finding.id == "derivative-missing-in-gradient-only":
        return _with_derivative(finding, network, line, source)
    if finding.id in ("sum-instead-of-mean", "divided-twice"):
        return _rescaled(finding, network, source)
    if finding.id == "sign-flipped":
        return _turned_error(line, source) or _turned(finding, network, source)
    if finding.layer is not None and line:
        return _exchanged(finding, network, line, source)
    return {}


def _turned_error(line: int, source: list[str]) -> dict[int, str]:
    """Exchange the two sides of a difference that has a name of its own."""
    found = _statement(line, source)
    if found is None or found["op"] != "=":
        return {}
    sides = re.fullmatch(r"\(?([\w.\[\]]+)\s*-\s*([\w.\[\]]+)\)?", found["value"])
    return {} if sides is None else {line: f"{found['indent']}{found['target']} = {sides[2]} - {sides[1]}"}


def _exchanged(finding: Finding, network: Network, line: int, source: list[str]) -> dict[int, str]:
    """Put in a line the value that is meant in place of the one that stands there, if that is one name by itself."""
    assert finding.layer is not None
    names = network.names[finding.layer - 1]
    weights = "" if finding.layer >= len(network.names) else network.names[finding.layer]["w"]
    pairs = {
        "weights-not-transposed": (weights, f"{weights}.T"),
        "derivative-of-activation-not-preactivation": (names["a"], names["z"]),
        "derivative-formula-on-preactivation": (names["z"], names["a"]),
        "outputs-in-place-of-inputs": (names["a"], names["x"]),
    }
    old, new = pairs.get(finding.id, ("", ""))
    text = source[line - 1] if 0 < line <= len(source) else ""
    if (
        not old
        or not new
        or not (used := re.compile(rf"(?<![\w.]){re.escape(old)}(?![\w(]|\.T)")).search(text)
    ):
        return {}
    head, equals, value = text.partition("=")
    if finding.id == "outputs-in-place-of-inputs":
        used = re.compile(rf"(?<![\w.]){re.escape(old)}(?![\w(])")
    return {line: head + equals + used.sub(lambda _: new, value)} if equals else {}


def correction_text(finding: Finding, lines: dict[int, str], line: int) -> str:
    """Return what is said to be right: the corrected line, else the formula."""
    if lines:
        return lines.get(line, next(iter(lines.values())))
    fill = {"l": finding.layer or "", "n": (finding.layer or 0) + 1, "p": (finding.layer or 1) - 1}
    return KNOWN[finding.id].should.format(**fill)


def joined(proposed: list[dict[int, str]]) -> dict[int, str]:
    """Return the lines of several corrections; where two change the same line, the first."""
    return {number: line for lines in reversed(proposed) for number, line in lines.items()}


def apply(source: str, lines: dict[int, str]) -> str:
    """Return the source with lines replaced."""
    text = source.split("\n")
    for number, line in lines.items():
        text[number - 1] = line
    return "\n".join(text)


def _statement(line: int, source: list[str]) -> re.Match[str] | None:
    text = source[line - 1] if 0 < line <= len(source) else ""
    found = STATEMENT.match(text)
    if found is None or not _balanced(found["value"]):
        return None
    return found


def _balanced(text: str) -> bool:
    return all(text.count(one) == text.count(other) for one, other in ("()", "[]", "{}"))


def _with_derivative(finding: Finding, network: Network, line: int, source: list[str]) -> dict[int, str]:
    found = _statement(line, source)
    written = derivative_text(network, finding.layer or 1)
    if found is None or not written or found["op"] != "=":
        return {}
    value = found["value"]
    whole = re.fullmatch(r"[\w.\[\]]+(\([^()]*\))?|\([^()]*\)", value)
    value = value if whole else f"({value})"
    return {line: f"{found['indent']}{found['target']} = {value} * {written}"}


def _update_lines(finding: Finding, network: Network) -> list[int]:
    lines = {int(network.parameters[path]["line"]) for path in finding.paths if path in network.parameters}
    return sorted(line for line in lines if line)


def _rescaled(finding: Finding, network: Network, source: list[str]) -> dict[int, str]:
    x = network.names[0]["x"]
    count = "" if not x else f"{x}.shape[1]" if network.column_major else f"len({x})"
    count = count or str(network.points[0].rows)
    sign = "/" if finding.id == "sum-instead-of-mean" else "*"
    made = {}
    for line in _update_lines(finding, network):
        found = _statement(line, source)
        if found is None or found["op"] == "=":
            return {}
        made[line] = f"{found['indent']}{found['target']} {found['op']} {found['value']} {sign} {count}"
    return made


def _turned(finding: Finding, network: Network, source: list[str]) -> dict[int, str]:
    made = {}
    for line in _update_lines(finding, network):
        found = _statement(line, source)
        if found is None or found["op"] == "=":
            return {}
        turned = "-=" if found["op"] == "+=" else "+="
        made[line] = f"{found['indent']}{found['target']} {turned} {found['value']}"
    return made


def derivative_text(network: Network, layer: int) -> str:
    """Return f' of a layer in the script's own names; empty where they are not known."""
    form, names = network.forms[layer - 1], network.names[layer - 1]
    if form is None or not form.written:
        return ""
    by_sign = form.name in ("relu", "leaky-relu")
    z = names["z"] or (names["a"] if by_sign else "")
    if ("{z}" in form.written and not z) or ("{a}" in form.written and not names["a"]):
        return ""
    written = form.written.format(z=z, a=names["a"])
    return written if written.startswith("(") or by_sign else f"({written})"
