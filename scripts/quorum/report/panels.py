"""A figure's specification taken apart into panels that stand alone, to be laid out as the width of a page allows.

A figure of quorum.figures is as wide as its panels side by side; on a phone they must stand under each other, each with
the headings and axes that it shared with its neighbours, and the key must be text that wraps.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]
Datasets = Mapping[str, list[dict[str, Any]]]
_HEAD = ("$schema", "config")
_KEYED = ("color", "fill", "shape", "strokeDash")


@dataclass
class Panel:
    """One view without its heading and key: headings of its group and of itself, the specification, its place among
    the panels of the figure, and what it is to somebody who cannot see it."""

    group: tuple[str, ...]
    heading: str
    spec: Spec
    order: int = 0
    row: int = 0
    label: str = ""


@dataclass
class Figure:
    """What a page needs of a figure: title, subtitle (lines joined), description, entries of the key, panels."""

    title: str
    subtitle: str
    description: str
    key: list[dict[str, Any]] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)

    @property
    def groups(self) -> list[tuple[tuple[str, ...], list[list[Panel]]]]:
        """Neighbouring panels of one group together, line by line, under its headings."""
        return [
            (group, [list(line) for _, line in itertools.groupby(panels, key=lambda panel: panel.row)])
            for group, panels in itertools.groupby(self.panels, key=lambda panel: panel.group)
        ]


def take_apart(spec: Mapping[str, Any]) -> Figure:
    """The figure of a Vega-Lite specification as quorum.figures.draw makes it.

    Each panel is as wide as its container, has its own data and neither title nor legend. What is text at a fixed
    place of the panel is left out: it was placed for another width, and the page says it in words.
    """
    head = {name: spec[name] for name in _HEAD if name in spec}
    figure = Figure(_text(spec["title"]["text"]), _text(spec["title"].get("subtitle", "")), spec["description"])
    body = {name: value for name, value in spec.items() if name not in (*_HEAD, "title", "datasets")}
    datasets = spec.get("datasets", {})
    rows = _rows(copy.deepcopy(body), (), datasets)
    cells = [dataclasses.replace(cell, row=at) for at, row in enumerate(rows) for cell in row]
    entries: dict[str, dict[str, Any]] = {}
    for cell in cells:
        for unit in _units(cell.spec):
            _take_key(unit, entries)
        panel = {name: value for name, value in cell.spec.items() if name not in ("padding", "background", "spacing")}
        panel |= {"width": "container"}
        panel |= {"background": "transparent", "padding": 2}
        axes = " by ".join(filter(None, (_axis_title(cell, "y"), _axis_title(cell, "x"))))
        label = f"{figure.title} {'; '.join(filter(None, (*cell.group, cell.heading, axes)))}"
        # Two panels that differ by nothing which is said of them are told apart by their place.
        if label in (other.label for other in figure.panels):
            label += f" (panel {len(figure.panels) + 1})"
        panel |= {"datasets": {name: datasets[name] for name in dict.fromkeys(_names(cell.spec))}}
        panel |= {"height": _height(panel)}
        figure.panels.append(Panel(cell.group, cell.heading, {**head, **panel}, len(figure.panels), cell.row, label))
    figure.key = list(entries.values())
    return figure


def _text(lines: str | Sequence[str]) -> str:
    """Lines as one; a word that was broken at its hyphen is whole again."""
    return lines if isinstance(lines, str) else " ".join(lines).replace("- ", "-")


def _names(node: Any) -> Iterator[str]:
    """The names of the data sets that a node refers to."""
    if isinstance(node, Mapping):
        data = node.get("data")
        if isinstance(data, Mapping) and "name" in data:
            yield data["name"]
    for child in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _names(child)


def _rows(node: Spec, group: tuple[str, ...], datasets: Datasets) -> list[list[Panel]]:
    """The panels of a node, as rows from the top; a heading over several of them belongs to their group."""
    for name in ("vconcat", "hconcat"):
        if name in node:
            inner = (*group, _text(node["title"]["text"])) if "title" in node else group
            # Altair puts the data of an only panel, or of panels with the same data, around them.
            shared = {"data": node["data"]} if "data" in node else {}
            parts = [_rows(shared | child, inner, datasets) for child in node[name]]
            if name == "vconcat":
                return _with_headings_from_above([row for part in parts for row in part])
            if all(len(part) == 1 for part in parts):
                return [_with_axes_of_first([cell for part in parts for cell in part[0]])]
            return [row for part in parts for row in part]
    if "facet" in node:
        return _of_facet(node, group, datasets)
    spec = {name: value for name, value in node.items() if name != "title"}
    if "layer" in spec:
        spec["layer"] = [layer for layer in spec["layer"] if not _is_placed_text(layer)]
    return [[Panel(group, _text(node["title"]["text"]) if "title" in node else "", spec)]]


def _of_facet(node: Spec, group: tuple[str, ...], datasets: Datasets) -> list[list[Panel]]:
    rows = datasets[node["data"]["name"]]
    split = {side: node["facet"][side] for side in ("row", "column") if side in node["facet"]}
    values = {side: _values_of(rows, definition) for side, definition in split.items()}
    found = []
    for row in values.get("row", [None]):
        line = []
        for column in values.get("column", [None]):
            wanted = {
                split[side]["field"]: value for side, value in (("row", row), ("column", column)) if side in split
            }
            chosen = [each for each in rows if all(each.get(name) == value for name, value in wanted.items())]
            if not chosen:
                continue
            inner = group if row is None else (*group, str(row))
            (cell,) = _rows({**copy.deepcopy(node["spec"]), "data": {"values": chosen}}, inner, datasets)[0]
            cell.heading = "" if column is None else str(column)
            line.append(cell)
        found.append(line)
    return found


def _values_of(rows: Sequence[Mapping[str, Any]], definition: Mapping[str, Any]) -> list[Any]:
    present = dict.fromkeys(row[definition["field"]] for row in rows)
    order = definition.get("sort")
    return [value for value in order if value in present] if isinstance(order, list) else list(present)


def _is_placed_text(layer: Mapping[str, Any]) -> bool:
    mark = layer.get("mark")
    kind = mark.get("type") if isinstance(mark, Mapping) else mark
    return kind == "text" and "value" in layer.get("encoding", {}).get("x", {})


def _height(spec: Spec) -> float:
    """The height of a panel in pixels; one that is given by row of a nominal axis is multiplied out."""
    height = spec["height"]
    if not isinstance(height, Mapping):
        return height
    nominal = next(unit["encoding"]["y"]["field"] for unit in _units(spec) if "sort" in unit["encoding"].get("y", {}))
    data = spec["data"]
    rows = data["values"] if "values" in data else spec["datasets"][data["name"]]
    return height["step"] * len({row.get(nominal) for row in rows} - {None})


# ---- what neighbours shared ------------------------------------------------------------------------------------------


def _units(spec: Spec) -> Iterator[Spec]:
    """The unit views of a panel."""
    if "layer" in spec:
        for layer in spec["layer"]:
            yield from _units(layer)
    else:
        yield spec


def _axes(panel: Panel, channel: str) -> list[Spec]:
    """The position channels of a panel that have an axis."""
    channels = [unit.get("encoding", {}).get(channel) for unit in _units(panel.spec)]
    return [found for found in channels if found and "value" not in found and found.get("axis", {}) is not None]


def _axis_title(panel: Panel, channel: str) -> str:
    return next((_text(axis["title"]) for axis in _axes(panel, channel) if axis.get("title")), "")


def _share_axis(panel: Panel, model: Panel, channel: str) -> None:
    """Gives the panel the axis title and labels of `channel` that only its neighbour `model` shows."""
    title = next((axis["title"] for axis in _axes(model, channel) if axis.get("title")), None)
    for axis in _axes(panel, channel):
        if title is not None and "title" in axis and axis["title"] is None:
            axis["title"] = title
        if isinstance(axis.get("axis"), dict):
            axis["axis"] = {**axis["axis"], "labels": True}


def _with_axes_of_first(row: list[Panel]) -> list[Panel]:
    for panel in row[1:]:
        first = {axis.get("field") for axis in _axes(row[0], "y")}
        if first & {axis.get("field") for axis in _axes(panel, "y")}:
            _share_axis(panel, row[0], "y")
    return row


def _with_headings_from_above(rows: list[list[Panel]]) -> list[list[Panel]]:
    """Rows of one grid: a heading stands over the first row only, the horizontal axis under the last."""
    for above, row in itertools.pairwise(rows):
        if len(above) == len(row) and [cell.group for cell in above] == [cell.group for cell in row]:
            for upper, lower in zip(above, row, strict=True):
                lower.heading = lower.heading or upper.heading
    for below, row in itertools.pairwise(reversed(rows)):
        if len(row) == len(below):
            for upper, lower in zip(row, below, strict=True):
                _share_axis(upper, lower, "x")
    return rows


# ---- the key ---------------------------------------------------------------------------------------------------------


def _take_key(unit: Spec, entries: dict[str, dict[str, Any]]) -> None:
    """Moves the legends of a unit view into `entries`: name -> its channels; a legend that is off is no entry."""
    for channel, definition in unit.get("encoding", {}).items():
        if channel not in _KEYED or "field" not in definition:
            continue
        scale = definition.get("scale") or {}
        if definition.get("legend") and isinstance(scale.get("domain"), list) and "range" in scale:
            for name, value in zip(scale["domain"], scale["range"], strict=False):
                entries.setdefault(str(name), {"name": str(name)})[channel] = value
        definition["legend"] = None
