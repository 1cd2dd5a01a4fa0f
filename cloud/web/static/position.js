// Draws the response of /api/{site}/positions (described in cloud/web/placement.py) and requests it again every second.
// Every text is set as textContent, so that no name can become markup.
"use strict";

const POLL_MS = 1000;
const SVG = "http://www.w3.org/2000/svg";
const VERDICTS = {
  works: _("This position works."),
  limits: _("This position works, with limits."),
  fails: _("This position will not work."),
  unclear: _("Not enough faces seen yet to judge this position."),
};
const SIGNS = { good: "✓", poor: "!", bad: "✗", unknown: "·" };

const element = (id) => document.getElementById(id);

function node(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

// What the device says is in English, whatever the language of the page.
function inEnglish(made) {
  return Object.assign(made, { lang: "en" });
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

function ago(seconds) {
  const [count, few] = seconds < 90 ? [Math.round(seconds), true] : [Math.round(seconds / 60), false];
  return few ? ngettext("%(count)s second ago", "%(count)s seconds ago", count)
    : ngettext("%(count)s minute ago", "%(count)s minutes ago", count);
}

function state(position) {
  if (position.state === "watching") {
    return ngettext("%(count)s second left", "%(count)s seconds left", Math.ceil(position.left_s));
  }
  const when = { ago: ago(position.heard_s) };
  return position.state === "done" ? _("finished %(ago)s", when) : _("interrupted %(ago)s", when);
}

function outlines(svg, position) {
  const { width, height, faces } = position;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", _("Faces in view: %(count)s", { count: faces.length }));
  svg.replaceChildren(...faces.map((face) => shape("rect", {
    x: face.x1 * width, y: face.y1 * height, width: (face.x2 - face.x1) * width,
    height: (face.y2 - face.y1) * height, rx: width / 100, class: face.good ? "good" : "unknown",
  })));
}

function reading(one) {
  const row = node("tr", "", one.state);
  const [sign, label, bar] = [node("td", SIGNS[one.state], "sign"), inEnglish(node("th", one.label)), node("td", "", "bar")];
  label.scope = "row";
  const line = shape("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  line.append(shape("rect", { width: 100, height: 8, class: "rest" }),
    shape("rect", { width: 100 * (one.level ?? 0), height: 8, class: "full" }));
  bar.append(line);
  row.append(sign, label, bar, inEnglish(node("td", one.says, "words")));
  return row;
}

function show(position) {
  const card = element("position").content.firstElementChild.cloneNode(true);
  const part = (selector) => card.querySelector(selector);
  part("h2").textContent = _("%(device)s, camera %(camera)s", position);
  const watching = position.state === "watching";
  part(".verdict").classList.add(position.verdict);
  part(".verdict").append(node("b", watching ? _("So far: %(verdict)s", { verdict: VERDICTS[position.verdict] }) : VERDICTS[position.verdict]),
    node("span", state(position)));
  part(".advice").replaceChildren(...position.advice.map((text) => inEnglish(node("li", text))));
  outlines(part(".outlines"), position);
  part("figure").hidden = !watching;
  part(".sides").classList.toggle("wide", !watching);
  const seen = ngettext("%(count)s visit so far", "%(count)s visits so far", position.visits);
  part("figcaption").textContent = `${position.width}x${position.height}, ${seen}`;
  part("tbody").replaceChildren(...position.readings.map(reading));
  return card;
}

async function refresh() {
  setTimeout(refresh, POLL_MS);
  const live = element("live");
  let answer = null;
  try {
    const response = await fetch(document.querySelector("main").dataset.api, { cache: "no-store" });
    if (response.ok) answer = await response.json();
    else if (response.status === 401) location.reload(); // the login has ended: the way to it
  } catch { /* no response: answer stays null */ }
  if (answer) {
    element("nothing").hidden = answer.positions.length > 0;
    element("positions").replaceChildren(...answer.positions.map(show));
    document.querySelector("main").removeAttribute("data-waiting");
    document.dispatchEvent(new CustomEvent("positions", { detail: answer.positions }));
  }
  live.querySelector(".text").textContent = answer ? _("live") : _("not connected");
  live.querySelector(".dot").className = `dot ${answer ? "good" : "bad"}`;
}

refresh();
