// Draws the charts one after the other, and lets the keyboard walk over their marks.
"use strict";
(async () => {
  const specifications = JSON.parse(document.getElementById("specifications").textContent);
  const told = document.getElementById("told");
  const options = {
    mode: "vega-lite",
    renderer: "svg",
    actions: false,
    ast: true, // expressions are interpreted: the page's policy allows no code made at run time
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true, formatTooltip: inRows },
  };

  // A mark without an interval, say, has fields without a value.
  const EMPTY = /^(NaN.*|null|undefined)$/;

  function inRows(value, clean) {
    const cell = (kind, text) => `<td class="${kind}">${clean(text)}</td>`;
    const rows = Object.entries(value).filter(([, text]) => !EMPTY.test(text));
    return `<table>${rows.map(([name, text]) => `<tr>${cell("key", name)}${cell("value", text)}</tr>`).join("")}</table>`;
  }

  const inWords = (label) => label.split("; ").filter((part) => !EMPTY.test(part.split(": ").at(-1))).join("; ");

  function marksOf(chart) {
    const marks = [...chart.querySelectorAll(".mark-symbol.role-mark path")];
    const placed = marks.map((mark) => ({ mark, box: mark.getBoundingClientRect() }));
    placed.sort((a, b) => a.box.left - b.box.left || a.box.top - b.box.top);
    return placed.map(({ mark }) => mark);
  }

  function point(mark, kinds) {
    const box = mark.getBoundingClientRect();
    const place = { bubbles: true, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    for (const kind of kinds) {
      mark.dispatchEvent(kind.startsWith("pointer") ? new PointerEvent(kind, place) : new MouseEvent(kind, place));
    }
  }

  function leave(chart) {
    const active = chart.querySelector(".active");
    if (active) {
      active.classList.remove("active");
      point(active, ["pointerout", "mouseout"]);
    }
  }

  function walk(event) {
    const chart = event.currentTarget;
    const marks = marksOf(chart);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      leave(chart);
    } else if (step && marks.length) {
      event.preventDefault();
      const at = marks.indexOf(chart.querySelector(".active"));
      const next = marks[at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length];
      leave(chart);
      next.classList.add("active");
      point(next, ["pointerover", "pointermove", "mouseover", "mousemove"]);
      told.textContent = inWords(next.getAttribute("aria-label") || "");
    }
  }

  for (const chart of document.querySelectorAll(".chart")) {
    const [label, role] = ["aria-label", "role"].map((name) => chart.getAttribute(name));
    await vegaEmbed(chart, specifications[Number(chart.dataset.panel)], options);
    // What the chart says is said by its label, which Vega writes over; the picture is one to who cannot see it.
    chart.setAttribute("aria-label", label);
    chart.setAttribute("role", role);
    chart.querySelector("svg").setAttribute("aria-hidden", "true");
    chart.addEventListener("keydown", walk);
    chart.addEventListener("blur", () => leave(chart));
  }
  document.documentElement.dataset.drawn = "all";
})();
