// Draws the answer of /api/{site}/today (described in cloud/web/api.py); live.js keeps it up to date.
// Every text is set as textContent, so that no name can become markup.
"use strict";

const NO_DATA = _("no data");
const GENDERS = ["female", "male"];
const EVERY = [...GENDERS, "unknown"];
const PROFILES = ["count", "demographics", "expression"];
const RELEASES = _("Visits are broken down in groups: at noon, at closing time, or as soon as a group is large enough.");
const LABELS = {
  female: _("female"), male: _("male"), unknown: _("not sure"), neutral: _("neutral"), happy: _("happy"), sad: _("sad"),
  angry: _("angry"), surprised: _("surprised"), fearful: _("fearful"), disgusted: _("disgusted"), not_seen: _("face not seen"),
};
const FAULTS = {
  camera: _("camera"), moved: _("camera was moved"), picture: _("picture of the camera"), dark: _("too dark"),
  outbox: _("storage of the device"), clock: _("clock"), config: _("settings"), privacy: _("privacy"),
};
const SECTIONS = {
  doors: _("doors"), zones: _("zones"), targets: _("targets"), plan: _("floor plan"), notices: _("notices"), camera: _("camera"),
};

const element = (id) => document.getElementById(id);
// Times carry the shop's UTC offset, so their digits are the shop's local time in every browser.
const clock = (iso) => iso.slice(11, 16);
const precise = (iso) => (iso.slice(17, 19) === "00" ? clock(iso) : iso.slice(11, 19));
const moment = (iso, today) => (iso.startsWith(today) ? clock(iso) : _("%(date)s, %(time)s", { date: date(iso), time: clock(iso) }));
const visits = (count) => ngettext("%(count)s visit", "%(count)s visits", count);
const viewers = (count) => ngettext("%(count)s viewer", "%(count)s viewers", count);
const waiting = (count) => ngettext("%(count)s more visit waiting.", "%(count)s more visits waiting.", count);
const word = (label) => LABELS[label] ?? label;
// The labels to draw: not visits whose face was not seen, nor "not sure" where it is not told from them.
const drawn = (cells) => Object.keys(cells).filter((label) => !["not_seen", "no_verdict"].includes(label)
  && (label !== "unknown" || cells[label].count || (cells.no_verdict.exact && !cells.no_verdict.count)));
const released = (cell) => (cell.exact ? number(cell.count) : cell.count ? _("%(count)s or more", { count: cell.count }) : _("withheld"));
const brief = (cell) => (cell.count && !cell.exact ? `${number(cell.count)}+` : released(cell));

function node(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

function banner(sentence) {
  if (element("banner").textContent === sentence) return; // a screen reader would read it again
  Object.assign(element("banner"), { textContent: sentence, hidden: !sentence });
}

function figure(id, value, says) {
  const className = value === null ? "value none" : "value";
  Object.assign(element(id).querySelector(".value"), { textContent: value ?? NO_DATA, className });
  element(id).querySelector(".says").textContent = says;
}

function figures(day) {
  const [now, ratio] = [day.now, day.attraction_ratio];
  const span = now && { start: precise(now.start), end: precise(now.end) };
  const since = day.coverage && { time: clock(day.coverage.since) };
  if (!now) figure("now", null, _("no camera is sending data"));
  else if (now.stale) figure("now", null, ngettext("last known %(start)s to %(end)s: %(count)s visit",
    "last known %(start)s to %(end)s: %(count)s visits", now.visits, span));
  else figure("now", number(now.visits), day.occupancy_max === null ? _("ended from %(start)s to %(end)s", span)
    : _("ended from %(start)s to %(end)s; most people in view at once today: %(most)s", { ...span, most: day.occupancy_max }));
  figure("visits", day.visits === null ? null : number(day.visits),
    day.visits === null ? _("no camera was watching today") : _("so far, since %(time)s", since));
  figure("viewers", day.viewers === null ? null : number(day.viewers),
    day.visits ? _("%(share)s of visits: the face looked here", { share: percent(day.viewers / day.visits) }) : "");
  figure("attraction", ratio === null ? null : percent(ratio), ratio === null ? _("not yet: visits are broken down in groups")
    : ngettext("of their time in view, people faced the camera (%(count)s visit)",
      "of their time in view, people faced the camera (%(count)s visits)", day.cohort_visits));
  figure("coverage", day.coverage && percent(day.coverage.share), day.coverage
    ? _("of the time since %(time)s was watched; the rest is not counted", since) : _("no camera was watching today"));
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
  if (empty("hours", known.includes(true) ? null : _("No data: no camera was watching today."))) return;
  // Show the usual opening hours, and more if a camera was watching outside them.
  const first = Math.min(8, known.indexOf(true));
  const list = day.hours.slice(first, Math.max(20, known.lastIndexOf(true) + 1));
  const top = 1.15 * Math.max(4, ...list.map((hour) => hour.visits ?? 0));
  const says = list.map((hour) => (hour.visits === null ? _("%(hour)s: no data", { hour: clock(hour.start) })
    : _("%(hour)s: %(visits)s, %(viewers)s, %(share)s watched", { hour: clock(hour.start), visits: visits(hour.visits),
      viewers: viewers(hour.viewers), share: percent(hour.coverage) })));
  const past = list.map((hour, index) => (hour.state === "future" ? null : says[index])).filter(Boolean);
  const where = (state, value) => list.map((hour) => (hour.state === state ? value(hour) : null));
  draw("hours", _("Visits by hour. %(list)s.", { list: past.join("; ") }), {
    labels: list.map((hour) => hour.start.slice(11, 13)), says, range: [0, top],
    series: [
      { values: where("no_data", () => top), fill: hatching(css("--hatch"), true) },
      { values: list.map((hour) => hour.visits), fill: css("--soft"), texts: list.map((hour) => (hour.visits === null ? "" : number(hour.visits))) },
      { values: list.map((hour) => hour.viewers), fill: css("--accent") },
      { values: where("partial", (hour) => hour.visits), fill: hatching(css("--card")) },
    ],
  });
  const [lost, partial] = ["no_data", "partial"].map((state) => list.filter((hour) => hour.state === state).length);
  element("hours").querySelector(".notes").textContent = [
    lost ? ngettext("%(count)s hour without data: the number of visits is unknown, not zero.",
      "%(count)s hours without data: the number of visits is unknown, not zero.", lost) : "",
    partial ? ngettext("%(count)s hour only partly watched: the true number may be higher.",
      "%(count)s hours only partly watched: the true number may be higher.", partial) : "",
    day.cameras > 1 ? _("%(count)s cameras: a person seen by two of them counts as two visits.", { count: day.cameras }) : "",
  ].join(" ").trim();
  table("hours", [_("Hour"), _("Visits"), _("Viewers"), _("Coverage")], list.filter((h) => h.state !== "future").map(
    (hour) => [clock(hour.start), ...[hour.visits, hour.viewers].map((count) => (count === null ? NO_DATA : number(count))), percent(hour.coverage)]));
}

// Returns true when there is nothing to draw; the panel then shows the reason instead.
function missing(id, day, breakdown, profile, what) {
  if (breakdown && breakdown.shown) return empty(id, null);
  if (breakdown && breakdown.visits > breakdown.withheld) {
    return empty(id, [_("%(what)s: no face was seen well enough to tell.", { what }), ...unseen(breakdown)].join(" "));
  }
  if (breakdown && toldWithNoise(id, day)) return empty(id, _("Told with noise only, below."));
  if (breakdown) return empty(id, ngettext("%(count)s visit is hidden to protect privacy: its group is still too small.",
    "All %(count)s visits are hidden to protect privacy: some groups are still too small.", breakdown.visits));
  if (day.profile === null) return empty(id, _("No data: no camera has reported today."));
  return empty(id, PROFILES.indexOf(day.profile) < PROFILES.indexOf(profile)
    ? _("%(what)s: switched off in this shop. Its privacy profile “%(profile)s” does not allow it.", { what, profile: day.profile })
    : `${ngettext("Nothing yet: %(count)s visit waiting.", "Nothing yet: %(count)s visits waiting.", day.pending)} ${RELEASES}`);
}

// The visits of a breakdown that no label is known of.
function unseen({ cells }) {
  const [never, either] = [cells.not_seen?.count, cells.no_verdict?.count];
  return [
    never && ngettext("%(count)s visit: the face was never seen well enough.", "%(count)s visits: the face was never seen well enough.", never),
    either && ngettext("%(count)s visit: not sure, or the face was never seen well enough.",
      "%(count)s visits: not sure, or the face was never seen well enough.", either),
  ].filter(Boolean);
}

function notes(id, day, breakdown, more = "") {
  element(id).classList.toggle("small", breakdown.small);
  element(id).querySelector(".notes").textContent = [
    breakdown.withheld
      ? _("%(withheld)s of %(visits)s visits withheld to protect privacy: their groups are too small (marked “+” or “withheld”).", breakdown)
      : ngettext("Based on %(count)s visit.", "Based on %(count)s visits.", breakdown.visits),
    ...unseen(breakdown),
    day.pending ? `${waiting(day.pending)} ${RELEASES}` : "",
    breakdown.small ? _("Small sample: with fewer than 30 visits, the shares can change a lot by chance.") : "", more,
  ].filter(Boolean).join(" ");
}

function bars(id, title, breakdown, name) {
  const [labels, cells] = [drawn(breakdown.cells).map(name), drawn(breakdown.cells).map((label) => breakdown.cells[label])];
  const counts = cells.map((cell) => cell.count);
  const says = labels.map((label, index) => `${label}: ${released(cells[index])}`);
  draw(id, _("%(title)s. %(list)s.", { title, list: says.join("; ") }), {
    labels, says, horizontal: true, narrow: labels.length < 5, range: [0, 1.25 * Math.max(1, ...counts)],
    series: [{ values: counts, fill: css("--accent"), texts: cells.map(brief) }],
  });
  table(id, [title, _("Visits")], labels.map((label, index) => [label, released(cells[index])]));
}

function ages(day) {
  const breakdown = day.pyramid && day[day.pyramid];
  if (missing("ages", day, breakdown, "demographics", _("Age and gender"))) return;
  if (day.pyramid === "gender_age_band") pyramid(breakdown, drawn(day.age_band.cells));
  else bars("ages", day.pyramid === "gender" ? _("Gender") : _("Age"), breakdown, word);
  element("genders").hidden = day.pyramid !== "gender_age_band";
  const shares = _("Gender: %(list)s.", { list: listed(day.gender.cells, drawn(day.gender.cells)) });
  notes("ages", day, breakdown, day.pyramid === "gender" ? _("Ages are withheld.")
    : day.pyramid === "age_band" ? `${_("Ages by gender are withheld.")} ${shares}` : shares);
}

const listed = (cells, labels) => labels.map((label) => `${word(label)} ${released(cells[label])}`).join(", ");

function pyramid(breakdown, rows) {
  const cell = (gender, band) => breakdown.cells[`${gender}.${band}`];
  const bands = rows.filter((band) => band !== "unknown");
  const says = bands.map((band) => `${band}: ${GENDERS.map((g) => `${word(g)} ${released(cell(g, band))}`).join(", ")}`);
  const widest = 1.3 * Math.max(1, ...GENDERS.flatMap((g) => bands.map((band) => cell(g, band).count)));
  draw("ages", _("%(title)s. %(list)s.", { title: _("Age and gender"), list: says.join("; ") }), {
    labels: bands, says, horizontal: true, range: [-widest, widest],
    series: GENDERS.map((gender, side) => ({
      values: bands.map((band) => (side ? 1 : -1) * cell(gender, band).count), left: !side,
      fill: css(`--${gender}`), texts: bands.map((band) => brief(cell(gender, band))),
    })),
  });
  table("ages", [_("Age"), ...EVERY.map(word)],
    rows.map((band) => [word(band), ...EVERY.map((gender) => released(cell(gender, band)))]));
}

function expressions(day) {
  if (missing("expressions", day, day.expression, "expression", _("Expressions"))) return;
  bars("expressions", _("Expression"), day.expression, word);
  notes("expressions", day, day.expression);
}

function dwell(day) {
  if (missing("dwell", day, day.dwell, "count", _("Dwell times"))) return;
  const edges = Object.keys(day.dwell.cells).map(Number);
  const length = (seconds) => (seconds < 60 ? `${seconds} s` : `${seconds / 60} min`);
  const spans = edges.slice(0, -1).map((edge, index) => _("%(low)s to %(high)s", { low: length(edge), high: length(edges[index + 1]) }));
  spans[0] = _("under %(high)s", { high: length(edges[1]) });
  spans.push(_("over %(low)s", { low: length(edges.at(-1)) }));
  bars("dwell", _("Dwell time"), day.dwell, (_, index) => spans[index]);
  notes("dwell", day, day.dwell, day.mean_dwell_s === null ? ""
    : _("On average, a person stays in view for %(seconds)s s.", { seconds: day.mean_dwell_s }));
}

function yesterday(day) {
  const before = day.yesterday;
  const told = (attribute, sentence) => {
    const breakdown = before[attribute];
    if (!breakdown || (breakdown.visits === breakdown.withheld && before.noise?.lists[attribute])) return "";
    const { cells } = breakdown;
    return [sentence(listed(cells, drawn(cells).filter((label) => cells[label].count || !cells[label].exact))), ...unseen(breakdown)].join(" ");
  };
  element("yesterday").querySelector("div").replaceChildren(...[
    before.visits === null ? _("%(date)s: no data, no camera was watching.", { date: date(before.date) })
      : ngettext("%(date)s: %(count)s visit, %(told)s of them broken down.", "%(date)s: %(count)s visits, %(told)s of them broken down.",
        before.visits, { date: date(before.date), told: before.cohort_visits }),
    told("gender", (list) => _("Gender: %(list)s.", { list })), told("age_band", (list) => _("Age: %(list)s.", { list })),
  ].filter(Boolean).map((line) => node("p", line)), ...(before.noise ? [node("h3", _("With noise")), ...noiseOf(before.noise)] : []));
}

function devices(day) {
  element("devices").querySelector("ul").replaceChildren(...day.devices.map((device) => {
    const [item, name] = [node("li"), node("b", device.device)];
    // A device that lost its connection could not report when. Its status still has the time it came online.
    const state = device.online === null ? _("state unknown")
      : device.online ? _("online since %(moment)s", { moment: moment(device.since, day.date) }) : _("offline");
    name.prepend(node("span", "", `dot ${device.online ? "good" : device.online === false ? "bad" : ""}`));
    const parts = [device.last_seen ? _("last message %(moment)s", { moment: moment(device.last_seen, day.date) }) : _("no data received yet")];
    if (device.online && device.camera_open !== null) {
      parts.push(device.camera_open ? _("%(rate)s frames a second", { rate: number(device.fps, 1) }) : _("the camera sends no pictures"));
    }
    if (device.software) parts.push(`Footlight ${device.software}`);
    if (device.model) parts.push(_("models %(version)s", { version: device.model }));
    if (device.clock_trusted === false && !device.alerts.some((alert) => alert.fault === "clock")) {
      device.alerts.push({ fault: "clock", text: _("its clock is wrong"), ours: true, since: device.last_seen });
    }
    const { windows } = device;
    if (windows) {
      parts.push(windows.late
        ? _("%(received)s of %(expected)s windows since yesterday, %(late)s of them late", windows)
        : _("%(received)s of %(expected)s windows since yesterday", windows));
      if (windows.duplicates) {
        parts.push(ngettext("%(count)s came once more and is counted once", "%(count)s came once more and are counted once",
          windows.duplicates));
      }
    }
    const missing = windows?.lost ? [node("p", ngettext("%(count)s window was counted and never arrived.",
      "%(count)s windows were counted and never arrived.", windows.lost), "alert")] : [];
    const changes = day.changes.filter((change) => change.device === device.device).map((change) => node("p",
      _("New settings since %(moment)s (%(sections)s): figures before and after differ.", {
        moment: moment(change.at, day.date), sections: change.sections.map((name) => SECTIONS[name] ?? name).join(", "),
      })));
    item.append(name, ` ${state}`, node("p", parts.join(" · ")), ...missing, ...changes,
      ...device.alerts.map((alert) => inEnglish(_("%(fault)s (since %(moment)s):",
        { fault: FAULTS[alert.fault] ?? alert.fault, moment: moment(alert.since, day.date) }), alert.text, alert.ours)));
    return item;
  }));
  element("letters").replaceChildren(...day.dead_letters.map((letter) => inEnglish(
    _("%(moment)s: a message from %(device)s could not be stored:", { moment: moment(letter.at, day.date), device: letter.device }),
    letter.reason)));
}

// A sentence of the page and, behind it, one of a device or a log, which speak English. ``translated`` ones are ours.
function inEnglish(sentence, text, translated = false) {
  const [line, end] = [node("p", `${sentence} `, "alert"), node("span", text)];
  if (!translated) end.lang = "en";
  line.append(end);
  return line;
}

function show(day) {
  element("date").textContent = _("%(date)s · %(timezone)s time", { date: fullDate(day.date), timezone: day.timezone });
  banner(day.untrusted_windows ? _("A device's clock was not set for part of today: some visits may be shown in the wrong hour.") : "");
  [notices, figures, hours, ages, dwell, expressions, noise, doors, beside, till, places, yesterday, devices].forEach((part) => part(day));
}
