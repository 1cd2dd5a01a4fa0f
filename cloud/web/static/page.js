// Draws the response of /api/{site}/today (described in cloud/web/api.py) and requests it again every few seconds.
// Every text is set as textContent, so that no name can become markup.
"use strict";

const POLL_MS = 3000;
const NO_DATA = "no data";
const GENDERS = ["female", "male"];
const EVERY = [...GENDERS, "unknown"];
const PROFILES = ["count", "demographics", "expression"];
const RELEASES = "Visits are broken down in groups: at noon, at closing time, or as soon as a group is large enough.";
let shown = null;

const element = (id) => document.getElementById(id);
const percent = (share) => `${Math.round(100 * share)} %`;
// Times carry the shop's UTC offset, so their digits are the shop's local time in every browser.
const clock = (iso) => iso.slice(11, 16);
const precise = (iso) => (iso.slice(17, 19) === "00" ? clock(iso) : iso.slice(11, 19));
const moment = (iso, date) => (iso.startsWith(date) ? clock(iso) : `${iso.slice(0, 10)} ${clock(iso)}`);
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const word = (label) => (label === "unknown" ? "not sure" : label);
// The labels to draw: not visits whose face was not seen, nor "not sure" where it is not told from them.
const drawn = (cells) => Object.keys(cells).filter((label) => !["not_seen", "no_verdict"].includes(label)
  && (label !== "unknown" || cells[label].count || (cells.no_verdict.exact && !cells.no_verdict.count)));
const released = (cell) => (cell.exact ? `${cell.count}` : cell.count ? `${cell.count} or more` : "withheld");
const brief = (cell) => released(cell).replace(" or more", "+");

function node(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

function banner(sentence) {
  Object.assign(element("banner"), { textContent: sentence, hidden: !sentence });
}

function figure(id, value, says) {
  const className = value === null ? "value none" : "value";
  Object.assign(element(id).querySelector(".value"), { textContent: value ?? NO_DATA, className });
  element(id).querySelector(".says").textContent = says;
}

function figures(day) {
  const [now, ratio] = [day.now, day.attraction_ratio];
  const [span, since] = [now && `${precise(now.start)} to ${precise(now.end)}`, day.coverage && clock(day.coverage.since)];
  if (!now) figure("now", null, "no camera is sending data");
  else if (now.stale) figure("now", null, `last known ${span}: ${plural(now.visits, "visit")}`);
  else figure("now", now.visits, `ended from ${span}`
    + (day.occupancy_max === null ? "" : `; most people in view at once today: ${day.occupancy_max}`));
  figure("visits", day.visits, day.visits === null ? "no camera was watching today" : `so far, since ${since}`);
  figure("viewers", day.viewers, day.visits ? `${percent(day.viewers / day.visits)} of visits: the face looked here` : "");
  figure("attraction", ratio === null ? null : percent(ratio), ratio === null ? "not yet: visits are broken down in groups"
    : `of their time in view, people faced the camera (${plural(day.cohort_visits, "visit")})`);
  figure("coverage", day.coverage && percent(day.coverage.share),
    day.coverage ? `of the time since ${since} was watched; the rest is not counted` : "no camera was watching today");
}

function fillTable(table, head, rows) {
  const line = (cells, tag) => {
    const row = node("tr");
    row.append(node("th", cells[0]), ...cells.slice(1).map((cell) => node(tag, cell)));
    row.querySelectorAll("th").forEach((cell) => { cell.scope = tag === "td" ? "row" : "col"; });
    return row;
  };
  const [top, body] = [node("thead"), node("tbody")];
  top.append(line(head, "th"));
  body.append(...rows.map((row) => line(row, "td")));
  table.replaceChildren(top, body);
  return table;
}

function table(id, head, rows) {
  fillTable(element(id).querySelector("table"), head, rows);
}

function empty(id, sentence) {
  const panel = element(id);
  Object.assign(panel.querySelector(".empty"), { textContent: sentence ?? "", hidden: !sentence });
  panel.querySelectorAll(".chart, .notes, .legend, details").forEach((part) => { part.hidden = Boolean(sentence); });
  return Boolean(sentence);
}

function draw(id, summary, bars) {
  const chart = element(id).querySelector(".chart");
  chart.setAttribute("aria-label", summary);
  drawBars(chart, bars);
}

function hours(day) {
  const known = day.hours.map((hour) => hour.visits !== null);
  if (empty("hours", known.includes(true) ? null : "No data: no camera was watching today.")) return;
  // Show the usual opening hours, and more if a camera was watching outside them.
  const first = Math.min(8, known.indexOf(true));
  const list = day.hours.slice(first, Math.max(20, known.lastIndexOf(true) + 1));
  const top = 1.15 * Math.max(4, ...list.map((hour) => hour.visits ?? 0));
  const says = list.map((hour) => `${clock(hour.start)}: ` + (hour.visits === null ? NO_DATA
    : `${plural(hour.visits, "visit")}, ${plural(hour.viewers, "viewer")}, ${percent(hour.coverage)} watched`));
  const past = list.map((hour, index) => (hour.state === "future" ? null : says[index])).filter(Boolean);
  const where = (state, value) => list.map((hour) => (hour.state === state ? value(hour) : null));
  draw("hours", `Visits by hour. ${past.join("; ")}.`, {
    labels: list.map((hour) => hour.start.slice(11, 13)), says, range: [0, top],
    series: [
      { values: where("no_data", () => top), fill: hatching(css("--hatch"), true) },
      { values: list.map((hour) => hour.visits), fill: css("--soft"), texts: list.map((hour) => `${hour.visits ?? ""}`) },
      { values: list.map((hour) => hour.viewers), fill: css("--accent") },
      { values: where("partial", (hour) => hour.visits), fill: hatching(css("--card")) },
    ],
  });
  const [lost, partial] = ["no_data", "partial"].map((state) => list.filter((hour) => hour.state === state).length);
  element("hours").querySelector(".notes").textContent = [
    lost ? `${plural(lost, "hour")} without data: the number of visits is unknown, not zero.` : "",
    partial ? `${plural(partial, "hour")} only partly watched: the true number may be higher.` : "",
    day.cameras > 1 ? `${day.cameras} cameras: a person seen by two of them counts as two visits.` : "",
  ].join(" ").trim();
  table("hours", ["Hour", "Visits", "Viewers", "Coverage"], list.filter((h) => h.state !== "future").map(
    (hour) => [clock(hour.start), hour.visits ?? NO_DATA, hour.viewers ?? NO_DATA, percent(hour.coverage)]));
}

// Returns true when there is nothing to draw; the panel then shows the reason instead.
function missing(id, day, breakdown, profile, what) {
  if (breakdown && breakdown.shown) return empty(id, null);
  if (breakdown && breakdown.visits > breakdown.withheld) return empty(id, `${what}: no face was seen well enough to tell.${unseen(breakdown)}`);
  if (breakdown) return empty(id, `All ${breakdown.visits} visits are hidden to protect privacy: some groups are still too small.`);
  if (day.profile === null) return empty(id, "No data: no camera has reported today.");
  return empty(id, PROFILES.indexOf(day.profile) < PROFILES.indexOf(profile)
    ? `${what} are switched off in this shop: its privacy profile “${day.profile}” does not allow them.`
    : `Nothing yet: ${plural(day.pending, "visit")} waiting. ${RELEASES}`);
}

// The visits of a breakdown that no label is known of.
function unseen({ cells }) {
  return [["not_seen", "the face was never seen well enough"], ["no_verdict", "not sure, or the face was never seen well enough"]]
    .filter(([label]) => cells[label]?.count).map(([label, why]) => ` ${plural(cells[label].count, "visit")}: ${why}.`).join("");
}

function notes(id, day, breakdown, more = "") {
  element(id).classList.toggle("small", breakdown.small);
  element(id).querySelector(".notes").textContent = [
    breakdown.withheld
      ? `${breakdown.withheld} of ${breakdown.visits} visits withheld to protect privacy: their groups are too small (marked “+” or “withheld”).`
      : `Based on ${plural(breakdown.visits, "visit")}.`,
    unseen(breakdown).trim(),
    day.pending ? `${plural(day.pending, "more visit")} waiting. ${RELEASES}` : "",
    breakdown.small ? "Small sample: with fewer than 30 visits, the shares can change a lot by chance." : "", more,
  ].filter(Boolean).join(" ");
}

function bars(id, title, breakdown, name) {
  const [labels, cells] = [drawn(breakdown.cells).map(name), drawn(breakdown.cells).map((label) => breakdown.cells[label])];
  const counts = cells.map((cell) => cell.count);
  const says = labels.map((label, index) => `${label}: ${released(cells[index])}`);
  draw(id, `${title}. ${says.join("; ")}.`, {
    labels, says, horizontal: true, narrow: labels.length < 5, range: [0, 1.25 * Math.max(1, ...counts)],
    series: [{ values: counts, fill: css("--accent"), texts: cells.map(brief) }],
  });
  table(id, [title, "Visits"], labels.map((label, index) => [label, released(cells[index])]));
}

function ages(day) {
  const breakdown = day.pyramid && day[day.pyramid];
  if (missing("ages", day, breakdown, "demographics", "Age and gender")) return;
  if (day.pyramid === "gender_age_band") pyramid(breakdown, drawn(day.age_band.cells));
  else bars("ages", day.pyramid === "gender" ? "Gender" : "Age", breakdown, word);
  element("genders").hidden = day.pyramid !== "gender_age_band";
  const shares = drawn(day.gender.cells).map((label) => `${word(label)} ${released(day.gender.cells[label])}`).join(", ");
  notes("ages", day, breakdown, day.pyramid === "gender" ? "Ages are withheld."
    : `${day.pyramid === "age_band" ? "Ages by gender are withheld. " : ""}Gender: ${shares}.`);
}

function pyramid(breakdown, rows) {
  const cell = (gender, band) => breakdown.cells[`${gender}.${band}`];
  const bands = rows.filter((band) => band !== "unknown");
  const says = bands.map((band) => `${band}: ${GENDERS.map((g) => `${g} ${released(cell(g, band))}`).join(", ")}`);
  const widest = 1.3 * Math.max(1, ...GENDERS.flatMap((g) => bands.map((band) => cell(g, band).count)));
  draw("ages", `Age and gender. ${says.join("; ")}.`, {
    labels: bands, says, horizontal: true, range: [-widest, widest],
    series: GENDERS.map((gender, side) => ({
      values: bands.map((band) => (side ? 1 : -1) * cell(gender, band).count), left: !side,
      fill: css(`--${gender}`), texts: bands.map((band) => brief(cell(gender, band))),
    })),
  });
  table("ages", ["Age", ...EVERY.map(word)],
    rows.map((band) => [word(band), ...EVERY.map((gender) => released(cell(gender, band)))]));
}

function expressions(day) {
  if (missing("expressions", day, day.expression, "expression", "Expressions")) return;
  bars("expressions", "Expression", day.expression, word);
  notes("expressions", day, day.expression);
}

function dwell(day) {
  if (missing("dwell", day, day.dwell, "count", "Dwell times")) return;
  const edges = Object.keys(day.dwell.cells).map(Number);
  const length = (seconds) => (seconds < 60 ? `${seconds} s` : `${seconds / 60} min`);
  const spans = edges.map((edge, index) => `${length(edge)} to ${length(edges[index + 1])}`);
  spans[0] = `under ${length(edges[1])}`;
  spans[spans.length - 1] = `over ${length(edges.at(-1))}`;
  bars("dwell", "Dwell time", day.dwell, (_, index) => spans[index]);
  notes("dwell", day, day.dwell, day.mean_dwell_s === null ? "" : `On average, a person stays in view for ${day.mean_dwell_s.toFixed(0)} s.`);
}

function yesterday(day) {
  const before = day.yesterday;
  const told = (title, breakdown) => breakdown && `${title}: ` + drawn(breakdown.cells).map((label) => [label, breakdown.cells[label]])
    .filter(([, cell]) => cell.count || !cell.exact).map(([label, cell]) => `${word(label)} ${released(cell)}`).join(", ")
    + `.${unseen(breakdown)}`;
  element("yesterday").querySelector("div").replaceChildren(...[
    before.visits === null ? `${before.date}: no data, no camera was watching.`
      : `${before.date}: ${plural(before.visits, "visit")}, ${before.cohort_visits} of them broken down.`,
    told("Gender", before.gender), told("Age", before.age_band),
  ].filter(Boolean).map((line) => node("p", line)));
}

function devices(day) {
  element("devices").querySelector("ul").replaceChildren(...day.devices.map((device) => {
    const [item, name] = [node("li"), node("b", device.device)];
    // A device that lost its connection could not report when. Its status still has the time it came online.
    const state = device.online === null ? "state unknown"
      : device.online ? `online since ${moment(device.since, day.date)}` : "offline";
    name.prepend(node("span", "", `dot ${device.online ? "good" : device.online === false ? "bad" : ""}`));
    const parts = [device.last_seen ? `last message ${moment(device.last_seen, day.date)}` : "no data received yet"];
    if (device.online && device.camera_open !== null) {
      parts.push(device.camera_open ? `${device.fps.toFixed(1)} frames a second` : "the camera sends no pictures");
    }
    if (device.software) parts.push(`Footlight ${device.software}`);
    if (device.model) parts.push(`models ${device.model}`);
    if (device.clock_trusted === false && !device.alerts.some((alert) => alert.fault === "clock")) {
      device.alerts.push({ fault: "clock", text: "its clock is wrong", since: device.last_seen });
    }
    const alarm = (alert) => `${alert.fault}: ${alert.text} (since ${moment(alert.since, day.date)})`;
    const changes = day.changes.filter((change) => change.device === device.device).map((change) => node("p",
      `New settings since ${moment(change.at, day.date)} (${change.sections.join(", ")}): figures before and after differ.`));
    item.append(name, ` ${state}`, node("p", parts.join(" · ")), ...changes,
      ...device.alerts.map((alert) => node("p", alarm(alert), "alert")));
    return item;
  }));
  element("letters").replaceChildren(...day.dead_letters.map((letter) => node("p",
    `${moment(letter.at, day.date)} a message from ${letter.device} could not be stored: ${letter.reason}`, "alert")));
}

function notices(day) {
  element("notices").replaceChildren(...day.notices.map((notice) => node("p",
    `Now: ${notice.text}, since ${moment(notice.since, day.date)}${
      notice.acknowledged ? `; ${notice.acknowledged.who} takes care of it` : ""}`, "banner")));
}

function show(day) {
  const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeZone: "UTC" }).format(new Date(day.date));
  element("date").textContent = `${date} · ${day.timezone} time`;
  banner(day.untrusted_windows ? "A device's clock was not set for part of today: some visits may be shown in the wrong hour." : "");
  [notices, figures, hours, ages, dwell, expressions, doors, places, yesterday, devices].forEach((part) => part(day));
}

function timeInShop(timeZone) {
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone }).format(new Date());
}

async function refresh() {
  setTimeout(refresh, POLL_MS);
  let [live, text] = [element("live"), null];
  try {
    const answer = await fetch(document.querySelector("main").dataset.api, { cache: "no-store" });
    if (answer.ok) text = await answer.text();
    else if (answer.status === 401) location.reload(); // the login has ended: the way to it
  } catch { /* no response: text stays null */ }
  if (text === null) {
    banner("The shop's Footlight box does not answer. "
      + (live.dataset.at ? `These figures are from ${live.dataset.at}.` : "No figures have been received yet."));
  } else {
    if (text !== shown) show(JSON.parse(text));
    live.dataset.at = timeInShop(JSON.parse(text).timezone);
  }
  shown = text;
  live.querySelector(".text").textContent = text === null ? "not connected" : `live, ${live.dataset.at}`;
  live.querySelector(".dot").className = `dot ${text === null ? "bad" : "good"}`;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (shown) show(JSON.parse(shown)); });
refresh();
