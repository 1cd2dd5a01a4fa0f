// Draws doors, places, what the till told and verdicts with noise for page.js, with its helpers.
"use strict";

const WITHHELD = _("withheld");
const seconds = (time) => `${number(time, time < 10 ? 1 : 0)} s`;
const known = (value, shown = (count) => number(count)) => (value === null ? WITHHELD : shown(value));

function doors(day) {
  element("doors").hidden = !day.doors;
  if (!day.doors) return;
  const { entries, exits, inside, passers, groups, capture_rate: captured, missed_entries: missed } = day.doors;
  const values = { entries, exits, inside, passers, groups, capture: captured === null ? _("nobody yet") : percent(captured) };
  for (const [id, value] of Object.entries(values)) {
    Object.assign(element(id).querySelector(".value"), {
      textContent: typeof value === "number" ? number(value) : value, className: id === "capture" && captured === null ? "value none" : "value",
    });
  }
  const before = day.yesterday;
  const drift = before.entries === null ? null : before.entries - before.exits;
  element("doors").querySelector(".notes").textContent = [
    _("Capture rate: entries among all who entered or passed. A group is one or more people who enter together."),
    _("Inside now: entries minus exits since midnight. Every missed crossing stays in it until then."),
    day.corrected_entries ? _("Corrected by count checks, %(value)s people came in (%(low)s to %(high)s).", rounded(day.corrected_entries)) : "",
    missed ? ngettext("At least %(count)s entry was missed: more people had left than entered.",
      "At least %(count)s entries were missed: more people had left than entered.", missed) : "",
    drift === null ? "" : drift
      ? _("Yesterday, entries minus exits were %(drift)s at midnight (entries: %(entries)s): expect about as much drift today.",
        { drift, entries: before.entries })
      : _("Yesterday, entries minus exits were 0 at midnight (entries: %(entries)s).", before),
    day.coverage && day.coverage.share < 0.9
      ? _("Who crossed while no camera was watching is missing (%(share)s was watched).", { share: percent(day.coverage.share) }) : "",
  ].filter(Boolean).join(" ");
}

function beside(day) {
  const { staff_excluded: staff, members, members_of: of, re_entries: again } = day;
  element("beside").hidden = staff === null && members === null && !again;
  element("beside").querySelector("dl").replaceChildren(...[
    staff === null ? null : entry(_("Staff left out"), percent(staff), ""),
    members === null ? null : entry(_("Members"), number(members), _("%(share)s of the visits in groups", { share: percent(members / of) })),
    again && entry(_("Came in again"), _("%(low)s to %(high)s", { low: number(again.low), high: number(again.high) }), _("of %(count)s entries", { count: again.of })),
  ].filter(Boolean));
  element("beside").querySelector(".notes").textContent = [
    members === null ? "" : _("Members: visits in which somebody showed the code of a member. Who shows none is not counted as one."),
    staff === null ? "" : _("Staff left out: their share of everybody who was followed. They are in no other number."),
    again ? _("Came in again: who left by a door and entered by it again within 7 minutes. An estimate from the times of entries and exits alone; in 95 of 100 cases the true number lies in the range.") : "",
  ].filter(Boolean).join(" ");
}

const rounded = (figures) => Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value)]));

// A time, or the two times between which it lies; the last bin of the waiting times is open.
function span(value) {
  if (value === null) return WITHHELD;
  const [low, high] = value.map(Math.round);
  if (high >= 300) return _("%(low)s s or more", { low: Math.min(low, 300) });
  return low === high ? `${number(low)} s` : _("%(low)s to %(high)s s", { low, high });
}

const interval = ([low, high]) => _("%(low)s to %(high)s", { low, high });

const KINDS = {
  zones: {
    head: [_("Zone"), _("Visits"), _("Stops"), _("Mean dwell time")],
    cells: (zone) => [known(zone.visits),
      known(zone.stops) + (zone.stop_share === null ? "" : ` (${percent(zone.stop_share)})`), known(zone.mean_dwell_s, seconds)],
  },
  queues: {
    head: [_("Queue"), _("Waits"), _("Served"), _("Mean wait"), _("Half wait"), _("9 in 10 wait")],
    cells: (queue) => [known(queue.waits), known(queue.served_share, percent), known(queue.mean_waiting_s, seconds),
      span(queue.median_s), span(queue.ninth_decile_s)],
  },
  targets: {
    head: [_("Target"), _("Passers"), _("Viewers"), _("Interest (95 %%)")],
    cells: (target) => [known(target.passers),
      known(target.viewers) + (target.viewer_share === null ? "" : ` (${percent(target.viewer_share)})`),
      known(target.interest_s, seconds) + (target.interest_interval_s === null ? "" : ` (${interval(target.interest_interval_s.map(seconds))})`)],
  },
};

function places(day) {
  const shownKinds = Object.keys(KINDS).filter((kind) => day.places[kind].length);
  const panel = element("places");
  panel.hidden = !shownKinds.length;
  if (panel.hidden) return;
  // A queue has waiting times in place of dwell times.
  const queues = day.places.queues.map((queue) => queue.name);
  const cells = (kind, place) => KINDS[kind].cells(place).map(
    (cell, index) => (kind === "zones" && index === 2 && queues.includes(place.name) ? _("see queue") : cell));
  panel.querySelector("div").replaceChildren(...shownKinds.map((kind) => {
    const wrapper = node("div", "", "wide");
    wrapper.tabIndex = 0;
    wrapper.append(fillTable(node("table"), KINDS[kind].head,
      day.places[kind].map((place) => [place.name, ...cells(kind, place)])));
    return wrapper;
  }));
  const partly = shownKinds.flatMap((kind) => day.places[kind]).filter((place) => place.withheld)
    .map((place) => ngettext("%(place)s: nothing is told of %(count)s visit", "%(place)s: nothing is told of %(count)s visits",
      place.withheld, { place: place.name }));
  panel.querySelector(".notes").textContent = [
    ngettext("Of %(count)s visit in groups.", "Of %(count)s visits in groups.", day.cohort_visits),
    day.pending ? waiting(day.pending) : "",
    partly.length ? _("Withheld to protect privacy: %(list)s.", { list: [...new Set(partly)].join("; ") }) : "",
    day.places.queues.length ? _("Half of the people, and 9 in 10, wait at most this long: estimated from a histogram.") : "",
    day.places.targets.length ? _("Interest: seconds of looking per passer, at most 30 for each. Chance alone can move it within the interval beside it.") : "",
  ].filter(Boolean).join(" ");
}

// A share with one digit behind the point; other figures with two, unless they are large.
function amount(value, unit) {
  if (unit === "%") return `${number(100 * value, 1)}\u00a0%`;
  const digits = Number.isInteger(value) || Math.abs(value) >= 1000 ? 0 : 2;
  return unit ? `${number(value, digits)}\u00a0${unit}` : number(value, digits);
}

function till(day) {
  const told = day.till;
  element("till").hidden = !told;
  if (!told) return;
  const counts = [
    [_("Sales"), told.transactions, ""], [_("Turnover"), told.turnover, told.currency],
    [_("Items"), told.items, ""], [_("Staff hours"), told.staff_hours, "h"],
  ].filter(([, value]) => value !== null).map(([title, value, unit]) => entry(title, amount(value, unit), ""));
  const metrics = told.metrics.filter((one) => !one.refused || one.corrected).map(figureOf);
  element("till").querySelector("dl").replaceChildren(...counts, ...metrics);
  // Several figures cannot be told for the same reason.
  const reasons = [...new Set(told.metrics.map((one) => one.refused).filter(Boolean))];
  element("till").querySelector("ul").replaceChildren(...reasons.map((why) => node("li", _("%(figures)s: cannot be told: %(why)s.",
    { figures: told.metrics.filter((one) => one.refused === why).map((one) => one.title).join(", "), why }))));
  element("till").querySelector(".notes").textContent = [
    _("Up to %(time)s, as the till told it. Below a figure is the range in which it lies in 19 of 20 cases; sales count for the share of the time in which the door was watched.", { time: clock(told.until) }),
    told.metrics.some((one) => one.corrected) ? _("Corrected: with the entries as count checks correct them. Its range also has what the checks do not know.") : "",
  ].filter(Boolean).join(" ");
}

// A figure with a formula: as counted, and below it with the entries that count checks correct.
function figureOf(one) {
  const between = ({ low, high }) => (low === null ? "" : _("%(low)s to %(high)s", { low: amount(low, one.unit), high: amount(high, one.unit) }));
  const part = entry(one.title, one.refused ? "–" : amount(one.value, one.unit), one.refused ? "" : between(one));
  if (one.corrected) {
    const value = amount(one.corrected.value, one.unit), range = between(one.corrected);
    part.append(node("dd", range ? _("corrected: %(value)s (%(range)s)", { value, range }) : _("corrected: %(value)s", { value }), "says corrected"));
  }
  return part;
}

function entry(title, value, says) {
  const part = node("div");
  part.append(node("dt", title), node("dd", value, "value"));
  if (says) part.append(node("dd", says, "says"));
  return part;
}

const NOISY = { gender: _("Gender"), age_band: _("Age"), expression: _("Expression") };

// Returns whether what a panel would show was told with noise, which it does not show.
function toldWithNoise(panel, day) {
  return Boolean(day.noise?.lists[{ ages: "gender", expressions: "expression" }[panel]]);
}

// The verdicts of a day with noise, as period_noise.html has those of a period.
function noiseOf(told) {
  const lists = node("div", "", "noisy");
  lists.append(...Object.entries(told.lists).map(([attribute, { visits: all, counts }]) =>
    fillTable(node("table"), [NOISY[attribute], _("Share"), _("Range")], counts.map((one) => [
      word(one.label), percent(one.visits / all), _("%(low)s to %(high)s", { low: percent(one.low / all), high: percent(one.high / all) }),
    ]))));
  return [lists, node("p", [
    ngettext("Based on %(count)s visit.", "Based on %(count)s visits.", told.visits),
    _("The device has added random noise to these numbers before it told them, so that they tell little of any single visit. "
      + "The true share lies in the range in about 19 of 20 cases, as far as noise is concerned. Of one day, most may be noise: "
      + "the pages of weeks and months tell more."),
    ...Object.entries(told.budgets).map(([budget, days]) => ngettext("Budget of each visit, each day: %(budget)s (%(count)s day).",
      "Budget of each visit, each day: %(budget)s (%(count)s days).", days, { budget: number(Number(budget), 2) })),
  ].join(" "), "notes")];
}

function noise(day) {
  element("noise").hidden = !day.noise;
  if (day.noise) element("noise").querySelector("div").replaceChildren(...noiseOf(day.noise));
}
