// Draws doors and places for page.js, with its helpers.
"use strict";

const WITHHELD = "withheld";
const seconds = (time) => (time < 10 ? `${time.toFixed(1)} s` : `${Math.round(time)} s`);
const known = (value, shown = String) => (value === null ? WITHHELD : shown(value));

function doors(day) {
  element("doors").hidden = !day.doors;
  if (!day.doors) return;
  const { entries, exits, inside, passers, groups, capture_rate: captured, missed_entries: missed } = day.doors;
  const values = { entries, exits, inside, passers, groups, capture: captured === null ? "nobody yet" : percent(captured) };
  for (const [id, value] of Object.entries(values)) {
    Object.assign(element(id).querySelector(".value"), {
      textContent: value, className: id === "capture" && captured === null ? "value none" : "value",
    });
  }
  const before = day.yesterday;
  const drift = before.entries === null ? null : before.entries - before.exits;
  element("doors").querySelector(".notes").textContent = [
    "Capture rate: entries among all who entered or passed. A group is one or more people who enter together.",
    "Inside now: entries minus exits since midnight. Every missed crossing stays in it until then.",
    missed ? `At least ${missed === 1 ? "1 entry was" : `${missed} entries were`} missed: more people had left than entered.` : "",
    drift === null ? "" : `Yesterday, entries minus exits were ${drift} at midnight (entries: ${before.entries})`
      + `${drift ? ": expect about as much drift today" : ""}.`,
    day.coverage && day.coverage.share < 0.9 ? `Who crossed while no camera was watching is missing (${percent(day.coverage.share)} was watched).` : "",
  ].filter(Boolean).join(" ");
}

// A time, or the two times between which it lies; the last bin of the waiting times is open.
function span(value) {
  if (value === null) return WITHHELD;
  const [low, high] = value.map(Math.round);
  if (high >= 300) return low >= 300 ? "300 s or more" : `${low} s or more`;
  return low === high ? `${low} s` : `${low} to ${high} s`;
}

const KINDS = {
  zones: {
    head: ["Zone", "Visits", "Stops", "Mean dwell time"],
    cells: (zone) => [known(zone.visits),
      known(zone.stops) + (zone.stop_share === null ? "" : ` (${percent(zone.stop_share)})`), known(zone.mean_dwell_s, seconds)],
  },
  queues: {
    head: ["Queue", "Waits", "Served", "Mean wait", "Half wait", "9 in 10 wait"],
    cells: (queue) => [known(queue.waits), known(queue.served_share, percent), known(queue.mean_waiting_s, seconds),
      span(queue.median_s), span(queue.ninth_decile_s)],
  },
  targets: {
    head: ["Target", "Passers", "Viewers", "Interest (95 %)"],
    cells: (target) => [known(target.passers),
      known(target.viewers) + (target.viewer_share === null ? "" : ` (${percent(target.viewer_share)})`),
      known(target.interest_s, seconds) + (target.interest_interval_s === null ? "" : ` (${target.interest_interval_s.map(seconds).join(" to ")})`)],
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
    (cell, index) => (kind === "zones" && index === 2 && queues.includes(place.name) ? "see queue" : cell));
  panel.querySelector("div").replaceChildren(...shownKinds.map((kind) => {
    const wrapper = node("div", "", "wide");
    wrapper.tabIndex = 0;
    wrapper.append(fillTable(node("table"), KINDS[kind].head,
      day.places[kind].map((place) => [place.name, ...cells(kind, place)])));
    return wrapper;
  }));
  const partly = shownKinds.flatMap((kind) => day.places[kind]).filter((place) => place.withheld)
    .map((place) => `${place.name}: nothing is told of ${plural(place.withheld, "visit")}`);
  panel.querySelector(".notes").textContent = [
    `Of ${plural(day.cohort_visits, "visit")} in groups${day.pending ? `; ${plural(day.pending, "more visit")} waiting` : ""}.`,
    partly.length ? `Withheld to protect privacy: ${[...new Set(partly)].join("; ")}.` : "",
    day.places.queues.length ? "Half of the people, and 9 in 10, wait at most this long: estimated from a histogram." : "",
    day.places.targets.length ? "Interest: seconds of looking per passer. Chance alone can move it within the interval beside it." : "",
  ].filter(Boolean).join(" ");
}
