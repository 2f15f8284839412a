"""The figures: one registry, and the only way to draw and to save one.

A figure is a module with draw(tables, style) -> Altair chart. The registry says which tables it needs and which style
keys it understands, with their defaults; configuration, rules and tests read it here.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from quorum.files import atomically

FORMATS = ("vl.json", "svg", "png", "html")
PNG_SCALE = 2


@dataclass(frozen=True)
class Figure:
    """A figure: its module here, the tables that it needs, and its style keys (sizes in pixels) with their defaults."""

    module: str
    tables: tuple[str, ...]
    style: Mapping[str, Any]


FIGURES: Mapping[str, Figure] = {
    "pipeline": Figure(
        "pipeline",
        ("baseline_bias", "tipping_curve", "defenses", "wordings"),
        {"width": 225, "height": 122, "font_size": 12, "main_size": None},
    ),
    "bias_reduction": Figure(
        "bias_reduction",
        ("baseline_bias", "tipping_curve", "paper_reference"),
        {"width": 320, "height": 40, "font_size": 12, "main_size": None},
    ),
    "tipping_curve": Figure(
        "tipping_curve",
        ("tipping_curve", "tipping_points", "paper_reference"),
        {"width": 400, "height": 230, "font_size": 12},
    ),
    "defenses": Figure(
        "defenses",
        ("defenses", "tipping_curve", "paper_reference"),
        {"width": 210, "height": 36, "font_size": 12, "main_size": None},
    ),
    "domains": Figure(
        "domains",
        ("domains", "tipping_curve", "paper_reference"),
        {"width": 340, "height": 46, "font_size": 12, "main_size": None},
    ),
    "utility": Figure("utility", ("utility",), {"width": 165, "height": 170, "font_size": 12, "main_size": None}),
    "defense_grid": Figure("defense_grid", ("defense_grid",), {"width": 228, "height": 22, "font_size": 12}),
    "filter_curves": Figure("filter_curves", ("filter_curves",), {"width": 150, "height": 150, "font_size": 12}),
    "filter_scores": Figure("filter_scores", ("filter_scores",), {"width": 190, "height": 60, "font_size": 12}),
    "honest_costs": Figure("honest_costs", ("honest_costs",), {"width": 180, "height": 32, "font_size": 12}),
    "arms_race": Figure("arms_race", ("arms_race",), {"width": 190, "height": 46, "font_size": 12}),
    "depth_study": Figure("depth_study", ("depth_study",), {"width": 320, "height": 230, "font_size": 12}),
    "learning_curve": Figure("learning_curve", ("learning_curve",), {"width": 420, "height": 260, "font_size": 12}),
    "overlap_study": Figure("overlap_study", ("overlap_study",), {"width": 190, "height": 170, "font_size": 12}),
    "minority_toy": Figure("minority_toy", ("minority_toy",), {"width": 340, "height": 300, "font_size": 12}),
    "minority_scoring": Figure(
        "minority_scoring", ("minority_scoring",), {"width": 420, "height": 340, "font_size": 12}
    ),
    "minority_alpha": Figure(
        "minority_alpha",
        ("minority_alpha", "minority_baselines", "paper_reference"),
        {"width": 230, "height": 150, "font_size": 12},
    ),
    "minority_flips": Figure("minority_flips", ("minority_flips",), {"width": 230, "height": 150, "font_size": 12}),
    "minority_pareto": Figure(
        "minority_pareto",
        ("minority_flips", "minority_baselines", "paper_reference"),
        {"width": 260, "height": 200, "font_size": 12},
    ),
    "minority_knowledge": Figure(
        "minority_knowledge", ("minority_flips",), {"width": 190, "height": 130, "font_size": 12}
    ),
    "minority_signal": Figure("minority_signal", ("minority_signal",), {"width": 220, "height": 180, "font_size": 12}),
}


def draw(name: str, tables: Mapping[str, pd.DataFrame], style: Mapping[str, Any] | None = None) -> Any:
    """The Altair chart of the named figure.

    `tables` has a frame per name in FIGURES[name].tables (schemas in quorum.tables; paper_reference has the columns
    paper, quantity, condition, paper_value, unit, note). `style` overrides the figure's style keys.
    Raises ValueError that names the figure, table or style key at fault.
    """
    if name not in FIGURES:
        raise ValueError(f"unknown figure {name!r}; the figures are {sorted(FIGURES)}")
    figure, style = FIGURES[name], dict(style or {})
    absent = [table for table in figure.tables if table not in tables]
    if absent:
        raise ValueError(f"figure {name}: needs the tables {absent}")
    unknown = sorted(set(style) - set(figure.style))
    if unknown:
        raise ValueError(f"figure {name}: unknown style keys {unknown}; it understands {sorted(figure.style)}")
    module = importlib.import_module(f"{__name__}.{figure.module}")
    return module.draw(tables, {**figure.style, **style})


def save(chart: Any, stem: str | Path) -> tuple[Path, ...]:
    """Writes STEM.vl.json, STEM.svg, STEM.png (scale 2) and STEM.html, each atomically; returns their paths.

    The bytes depend on the chart alone. The SVG carries a title and a description for readers that cannot see it; the
    HTML holds all of its scripts and forbids itself to load anything.
    """
    import vl_convert as vlc

    spec, version = chart.to_dict(), _vega_lite()
    svg = _svg(spec)
    contents = {
        "vl.json": (json.dumps(spec, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode(),
        "svg": svg.encode(),
        "png": vlc.svg_to_png(svg, scale=PNG_SCALE),
        "html": _page(spec, vlc.javascript_bundle(vl_version=version)).encode(),
    }
    paths = tuple(Path(f"{stem}.{suffix}") for suffix in FORMATS)
    for path, suffix in zip(paths, FORMATS, strict=True):
        content = contents[suffix]
        atomically(path, lambda temporary, content=content: temporary.write_bytes(content))
    return paths


def as_svg(chart: Any) -> str:
    """The chart as one SVG image with a title and a description."""
    return _svg(chart.to_dict())


def _svg(spec: Mapping[str, Any]) -> str:
    import vl_convert as vlc

    return _with_alternative_text(vlc.vegalite_to_svg(spec, vl_version=_vega_lite(), allowed_base_urls=[]), spec)


def _vega_lite() -> str:
    """The version that Altair writes, without its patch number."""
    import altair as alt

    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def _title(spec: Mapping[str, Any]) -> str:
    text = spec["title"]["text"]
    return text if isinstance(text, str) else " ".join(text)


def _with_alternative_text(svg: str, spec: Mapping[str, Any]) -> str:
    """The SVG as one image with a title and a description, which the renderer leaves out."""
    opening, rest = svg.split(">", 1)
    title, description = escape(_title(spec)), escape(spec["description"])
    return (
        f'{opening} role="img" aria-labelledby="figure-title figure-description">'
        f'<title id="figure-title">{title}</title><desc id="figure-description">{description}</desc>{rest}'
    )


def _page(spec: Mapping[str, Any], scripts: str) -> str:
    """A self-contained page, with no "<" in the embedded JSON.

    Altair's own template writes the chart's strings into a script unescaped, so that a value "</script>" would end it.
    """
    title, description = escape(_title(spec)), escape(spec["description"])
    embedded = json.dumps(spec, allow_nan=False).replace("<", "\\u003c")
    options = '{"renderer": "svg", "actions": {"export": true, "source": false, "compiled": false, "editor": false}}'
    policy = (
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<script>{scripts}</script>
</head>
<body>
<div id="figure" role="img" aria-label="{description}"></div>
<script>
vegaEmbed("#figure", {embedded}, {options}).catch(console.error);
</script>
</body>
</html>
"""
