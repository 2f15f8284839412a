"""The monitor's page: one file that needs nothing else, escapes whatever was contributed, and loads itself again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from quorum import figures
from quorum.figures import theme
from quorum.monitor import view
from quorum.monitor.view import View

TITLE = "How far has the campaign moved the firm's data?"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.answer { font-size: 1.15rem; } .note { opacity: .8; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8886; }
td { overflow-wrap: anywhere; }
figure { margin: 1rem 0; overflow-x: auto; background: white; } svg { max-width: 100%; height: auto; }
"""


def chart(shown_now: View) -> str:
    """The male share of the firm's data against the sentences sent, with its anytime-valid interval, as SVG."""
    import altair as alt

    style = {"width": 620, "height": 260, "font_size": 12}
    table = shown_now.standings
    if table.empty:
        return figures.as_svg(theme.nothing(TITLE, "No file was judged yet.", style))
    base = alt.Chart(theme.data(theme.rows(table)))
    x = alt.X("sent:Q", title="sentences sent", scale=alt.Scale(zero=True, nice=False))
    axis = alt.Axis(format=".0%")
    drawn = alt.layer(
        base.mark_area(color=theme.SKY, opacity=0.35, interpolate="step-after").encode(
            x=x, y=alt.Y("share_low:Q", title="male share of the data", axis=axis), y2="share_high:Q"
        ),
        base.mark_line(color=theme.BLUE, interpolate="step-after", point={"color": theme.BLUE}).encode(
            x=x, y=alt.Y("male_share:Q", scale=alt.Scale(domain=[0, 1]))
        ),
        alt.Chart(theme.data([{"y": 0.5}])).mark_rule(color=theme.INK, strokeDash=[4, 4]).encode(y="y:Q"),
        alt.Chart(theme.data([{"y": shown_now.world.share}])).mark_rule(color=theme.GREY).encode(y="y:Q"),
    ).properties(width=style["width"], height=style["height"])
    subtitle = [
        f"Line: the data with what was accepted. Band: {shown_now.confidence:.0%} interval that holds at all times "
        "at once. Grey: the firm's data before. Dashed: 50%."
    ]
    return figures.as_svg(theme.finish(drawn, TITLE, subtitle, view.headline(shown_now), style, style["width"]))


def page(shown_now: View, svg: str, when: str, seconds: float | None) -> str:
    """The page as HTML; svg: `chart` of the view; when: the time of the look; seconds: until it loads itself again,
    None where the monitor has ended."""
    again = "" if seconds is None else f'<meta http-equiv="refresh" content="{max(1, round(seconds))}">'
    state = "The monitor has ended." if seconds is None else "This page loads itself again."
    trouble = f'<p role="alert"><strong>{escape(shown_now.trouble)}</strong></p>' if shown_now.trouble else ""
    interval = f"{shown_now.confidence:.0%} interval, valid at any time"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
{again}
<title>Campaign monitor</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Campaign monitor</h1>
{trouble}
<p class="answer">{escape(view.headline(shown_now))}</p>
<p class="note">Looked at {escape(when)}. {state}</p>
<figure>{svg}</figure>
{_table("Where it stands", ["", "number", interval], view.figures(shown_now))}
{_table("Sentences in all until the tipping point", ["by", "sentences", interval], view.outlooks(shown_now))}
{_table("Why sentences were not accepted", ["reason", "sentences"], view.reasons(shown_now))}
{_table("Files set aside", ["file", "reason"], view.set_aside(shown_now))}
{_table("Files judged last", ["file", "accepted", "invalid", "filtered"], view.judged(shown_now))}
<p class="note">The interval says what a campaign with such a pull does; it holds however often one looks, and whether
or not the pull stays the same. That the next sentences are like those before is assumed, and so is that the firm is the
one of the configuration.</p>
</main>
</body>
</html>
"""


def _table(caption: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    body = "\n".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    if not body:
        return ""
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
