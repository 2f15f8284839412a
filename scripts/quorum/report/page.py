"""The page: sections in a template, with all scripts and styles inside and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from quorum.report import answer, key
from quorum.report.blocks import Section


def scripts() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, as the package of the figures carries them."""
    import altair as alt
    import vl_convert as vlc

    return vlc.javascript_bundle(vl_version=".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2]))


def render(assets: Mapping[str, str], vega: str, sections: Sequence[Section], **values: Any) -> str:
    """The page as HTML. assets: page.html (a Jinja2 template), page.css, page.js, plan.js; vega: see `scripts`.

    Every value is escaped; what scripts read is in blocks of data in which no "<" occurs. Inline scripts and styles are
    allowed by their hashes alone, so that no text, whoever wrote it, can run.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.DictLoader(dict(assets)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["symbol"] = key.symbol
    environment.filters["asked"] = answer.asked
    environment.filters["data"] = _without_tags
    code = [vega, assets["page.js"], assets["plan.js"]]
    if any("</script" in script.lower() or "<!--" in script for script in code):
        raise ValueError("a script of the page holds the end of a script")
    charts = [block for section in sections for block in section.blocks if block.kind == "chart"]
    specs, first = [], {}
    for chart in charts:
        first[id(chart)] = len(specs)
        specs += [panel.spec for panel in chart.figure.panels]
    return environment.get_template("page.html").render(
        sections=sections,
        first=lambda chart: first[id(chart)],
        specs=specs,
        code=code,
        style=assets["page.css"],
        policy=policy(code, [assets["page.css"]]),
        **values,
    )


def policy(code: Sequence[str], styles: Sequence[str]) -> str:
    """A Content-Security-Policy that allows these inline scripts and styles and nothing else."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src " + " ".join(_hash(text) for text in code),
            "style-src " + " ".join(_hash(text) for text in styles),
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _without_tags(value: Any) -> str:
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
