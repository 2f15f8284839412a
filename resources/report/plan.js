// The planner: what quorum.needs and quorum.planner compute, for the numbers that a reader types. tests/browser compares them.
"use strict";
(() => {
  const form = document.getElementById("plan");
  if (!form) return;
  const run = JSON.parse(document.getElementById("plan-data").textContent);
  const at = (name) => document.getElementById(`plan-${name}`);

  // ---- what must arrive: a range is [value, low, high] --------------------------------------------------------------

  function wilson(successes, total) {
    const share = successes / total;
    const square = run.z ** 2;
    const scale = 1 + square / total;
    const middle = (share + square / (2 * total)) / scale;
    const half = (run.z * Math.sqrt((share * (1 - share)) / total + square / (4 * total ** 2))) / scale;
    return [Math.min(middle - half, share), Math.max(middle + half, share)];
  }

  function crossing(size, share, poolShare) {
    if (Math.abs(share - run.target) <= 1e-9 * Math.max(share, run.target)) return 0;
    const alpha = (share - run.target) / (share - poolShare);
    return alpha > 0 && alpha < 1 ? (size * alpha) / (1 - alpha) : Infinity;
  }

  function neededByData({ share, completions, background }, poolShare) {
    const above = share > run.target;
    const pool = poolShare === null ? (above ? 0 : 1) : poolShare;
    const shares = [share];
    if (completions !== null) {
      const ends = wilson(halfEven(share * completions), completions);
      // An end beyond the target needs nothing; no campaign is turned round for it.
      shares.push(...ends.map((end) => (above ? Math.max(end, run.target) : Math.min(end, run.target))));
    }
    const needed = shares.map((one) => crossing(background, one, pool));
    return [needed[0], Math.min(...needed), Math.max(...needed)];
  }

  function needed(given, basis) {
    const byData = neededByData(given, basis.pool_share);
    const times = basis.times.map((end) => (end === null ? Infinity : end));
    return byData.map((number, k) => (number === 0 || times[k] === 0 ? 0 : number * times[k]));
  }

  // ---- what must be sent --------------------------------------------------------------------------------------------

  function smallestSent(number, sizes, shares) {
    if (number <= 0 || number === Infinity) return number;
    let [sent, arrived] = [0, 0];
    for (const [k, size] of sizes.entries()) {
      const next = size * shares[k];
      if (next >= number) return sent + ((number - arrived) / (next - arrived)) * (size - sent);
      [sent, arrived] = [size, next];
    }
    const last = shares[shares.length - 1];
    return last > 0 ? number / last : Infinity;
  }

  function toBeSent(range, filter) {
    if (!filter.sizes.length) return range;
    // The fewest needed with the most that passes, and the reverse.
    const [value, low, high] = [0, 2, 1].map((end, k) =>
      smallestSent(range[k], filter.sizes, filter.passes.map((share) => share[end])),
    );
    return [value, low, high];
  }

  function passing(range, sent, filter) {
    if (!filter.sizes.length) return 1;
    if (sent[0] === 0) return filter.passes[0][0];
    return sent[0] === Infinity ? filter.passes[filter.passes.length - 1][0] : range[0] / sent[0];
  }

  function verdict([value, low, high], group) {
    if (low === Infinity || (value === Infinity && group < low)) return "never";
    if (group >= high) return "enough";
    return group < low ? "too few" : "unclear";
  }

  // ---- in words -----------------------------------------------------------------------------------------------------

  function halfEven(number) {
    const whole = Math.floor(number);
    const rest = number - whole;
    return rest > 0.5 || (rest === 0.5 && whole % 2) ? whole + 1 : whole;
  }

  // What rounding alone has put above a whole number stays at it.
  const up = (number) => (number === Infinity ? number : Math.ceil(Number(number.toFixed(9))));
  const count = (number) => halfEven(number).toLocaleString("en-US");
  const percent = (share) => `${halfEven(100 * share)}%`;
  const people = (number) => `${count(number)} ${number === 1 ? "person" : "people"}`;

  function span([, low, high]) {
    if (low === high) return "";
    return ` (from ${count(low)} to ${high === Infinity ? "any number" : count(high)})`;
  }

  function answer(range, sent, persons, group, filter) {
    if (range[0] === Infinity) {
      return "never, as far as the run can tell: without any filter the campaign does not come to 50%";
    }
    if (sent[0] === Infinity) {
      const most = Math.max(...filter.sizes.map((size, k) => size * filter.passes[k][0]));
      const fewer = most ? `, and of fewer at most ${count(most)}` : "";
      const last = count(filter.sizes[filter.sizes.length - 1]);
      return `never: ${filter.key} lets none of ${last} sentences pass${fewer}; ${count(up(range[0]))} must arrive`;
    }
    if (sent[0] === 0) return "none: it is at 50% already";
    const share = percent(persons[0] / group);
    return `${count(up(sent[0]))} sentences of ${count(persons[0])} people${span(persons)}: ${share} of the group`;
  }

  function assumptions(given, basis, filter, sent) {
    const said = [...basis.said];
    said.push(
      given.completions === null
        ? "the baseline share is exact"
        : `the baseline share was measured on ${count(given.completions)} independent answers`,
    );
    if (!filter.sizes.length) return said;
    said.push(`${filter.key} is the run's, and lets through what it let through of such sentences there`);
    if (filter.n_seeds < 2) said.push("one seed: what passes has no interval");
    const last = filter.sizes[filter.sizes.length - 1];
    if (sent[0] !== Infinity && sent.some((end) => end !== Infinity && end > last)) {
      said.push(`past ${count(last)} sentences the same share passes as there`);
    }
    return said;
  }

  const AGAINST = {
    enough: (group) => `Enough: your group has ${group}.`,
    "too few": (group) => `Too few: your group has ${group}.`,
    unclear: (group) => `Unclear: the interval holds your group of ${group}.`,
    never: () => "Never, by what this run measured.",
  };

  function headline(persons) {
    if (persons[0] === Infinity) return persons[1] === Infinity ? "Never" : "No number found";
    return persons[0] === 0 ? "Nobody" : people(persons[0]);
  }

  function ranged(range) {
    if (range[0] === Infinity) return range[1] === Infinity ? "never" : `never found, at least ${count(up(range[1]))}`;
    return `${count(up(range[0]))}${span(range.map(up))}`;
  }

  // ---- the form -----------------------------------------------------------------------------------------------------

  const NUMBERS = ["share", "completions", "background", "group", "each"];

  // What a field is missing, in words; empty if it can be used.
  function fault(input) {
    const label = input.labels[0].textContent;
    const limits = input.max ? `between ${input.min} and ${input.max}` : `of at least ${input.min}`;
    if (input.validity.stepMismatch) return `${label}: a whole number is needed.`;
    return input.validity.valid ? "" : `${label}: a number ${limits} is needed.`;
  }

  function show() {
    const faults = NUMBERS.map((name) => [at(name), fault(at(name))]);
    for (const [input, words] of faults) input.setAttribute("aria-invalid", String(words !== ""));
    const wrong = faults.map(([, words]) => words).filter(Boolean);
    at("rest").hidden = wrong.length > 0;
    at("verdict").textContent = "";
    if (wrong.length) {
      at("people").textContent = "\u2013";
      at("answer").textContent = wrong.join(" ");
      return;
    }
    const given = Object.fromEntries(NUMBERS.map((name) => [name, at(name).value === "" ? null : Number(at(name).value)]));
    given.share /= 100;
    const campaign = run.campaigns[at("campaign").selectedIndex];
    const basis = campaign.bases[at("basis").selectedIndex];
    const filter = campaign.filters[at("filter").selectedIndex];
    const range = needed(given, basis);
    const sent = toBeSent(range, filter);
    const persons = sent.map((number) => up(number / given.each));
    const found = verdict(persons, given.group);
    at("people").textContent = headline(persons);
    const words = answer(range, sent, persons, given.group, filter);
    at("answer").textContent = `${words[0].toUpperCase()}${words.slice(1)}.`;
    at("verdict").textContent = AGAINST[found](people(given.group));
    form.dataset.verdict = found;
    at("delivered").textContent = ranged(range);
    at("passes").textContent = `${(100 * passing(range, sent, filter)).toFixed(1)}%`;
    at("sentences").textContent = ranged(sent);
    at("assumptions").replaceChildren(
      ...assumptions(given, basis, filter, sent).map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }),
    );
  }

  // What was chosen before stays chosen where it is offered again.
  function offer(select, choices) {
    const before = select.value;
    select.replaceChildren(...choices.map(({ key, name }) => new Option(name, key)));
    if (choices.some(({ key }) => key === before)) select.value = before;
  }

  function offerOfCampaign() {
    const campaign = run.campaigns[at("campaign").selectedIndex];
    offer(at("basis"), campaign.bases);
    offer(at("filter"), campaign.filters);
  }

  offer(at("campaign"), run.campaigns);
  offerOfCampaign();
  // At the field itself, so that it comes before what the form does.
  at("campaign").addEventListener("input", offerOfCampaign);
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
  form.hidden = false;
  // The table takes the place of the form where no script runs, and on paper.
  const tables = document.querySelectorAll("details.planned");
  const fold = (open) => tables.forEach((table) => (table.open = open));
  window.addEventListener("beforeprint", () => fold(true));
  window.addEventListener("afterprint", () => fold(false));
  fold(false);
})();
