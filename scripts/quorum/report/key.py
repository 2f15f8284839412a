"""The key of a figure as small pictures: what each colour, shape and dash stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PIXELS = 7.5  # of one unit of the picture
_PATHS = {
    "circle": "M-0.7,0A0.7,0.7,0,1,0,0.7,0A0.7,0.7,0,1,0,-0.7,0Z",
    "square": "M-0.62,-0.62H0.62V0.62H-0.62Z",
    "diamond": "M0,-0.95L0.65,0L0,0.95L-0.65,0Z",
    "cross": "M-0.85,-0.28H-0.28V-0.85H0.28V-0.28H0.85V0.28H0.28V0.85H-0.28V0.28H-0.85Z",
    "triangle-up": "M0,-0.8L0.8,0.6H-0.8Z",
    "triangle-down": "M0,0.8L0.8,-0.6H-0.8Z",
    "triangle-left": "M-0.8,0L0.6,-0.8V0.8Z",
    "triangle-right": "M0.8,0L-0.6,-0.8V0.8Z",
    "wedge": "M0,-0.9L0.35,0.8H-0.35Z",
}


def symbol(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The picture of an entry of a key (see quorum.report.panels), in a box from -2.2,-1 to 2.2,1: path, colours, dash.

    The path is a mark, or a line where the figure has a line without marks.
    """
    shape = str(entry.get("shape", "circle"))
    stroke = entry.get("color") or entry.get("fill") or "#1A1A1A"
    fill = entry.get("fill", stroke)
    line = shape.startswith("M") and not shape.upper().endswith("Z")
    return {
        "name": entry["name"],
        "path": _PATHS.get(shape, shape if shape.startswith("M") else _PATHS["circle"]),
        "stroke": stroke,
        "fill": "none" if line or fill == "transparent" else fill,
        "line": line,
        "dash": " ".join(f"{length / PIXELS:.2f}" for length in entry.get("strokeDash", [1, 0])) if line else "",
    }
