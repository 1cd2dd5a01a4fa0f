// Draws the response of /api/{site}/positions (described in cloud/web/placement.py) and requests it again every second.
// Every text is set as textContent, so that no name can become markup.
"use strict";

const POLL_MS = 1000;
const SVG = "http://www.w3.org/2000/svg";
const VERDICTS = {
  works: "This position works.",
  limits: "This position works, with limits.",
  fails: "This position will not work.",
  unclear: "Not enough faces seen yet to judge this position.",
};
const SIGNS = { good: "✓", poor: "!", bad: "✗", unknown: "·" };

const element = (id) => document.getElementById(id);

function node(tag, text = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

function ago(seconds) {
  return seconds < 90 ? `${Math.round(seconds)} seconds ago` : `${Math.round(seconds / 60)} minutes ago`;
}

function state(position) {
  if (position.state === "watching") return `${Math.ceil(position.left_s)} seconds left`;
  return `${position.state === "done" ? "finished" : "interrupted"} ${ago(position.heard_s)}`;
}

function outlines(svg, position) {
  const { width, height, faces } = position;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", `Faces in view: ${faces.length}`);
  svg.replaceChildren(...faces.map((face) => shape("rect", {
    x: face.x1 * width, y: face.y1 * height, width: (face.x2 - face.x1) * width,
    height: (face.y2 - face.y1) * height, rx: width / 100, class: face.good ? "good" : "unknown",
  })));
}

function reading(one) {
  const row = node("tr", "", one.state);
  const [sign, label, bar] = [node("td", SIGNS[one.state], "sign"), node("th", one.label), node("td", "", "bar")];
  label.scope = "row";
  const line = shape("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  line.append(shape("rect", { width: 100, height: 8, class: "rest" }),
    shape("rect", { width: 100 * (one.level ?? 0), height: 8, class: "full" }));
  bar.append(line);
  row.append(sign, label, bar, node("td", one.says, "words"));
  return row;
}

function show(position) {
  const card = element("position").content.firstElementChild.cloneNode(true);
  const part = (selector) => card.querySelector(selector);
  part("h2").textContent = `${position.device}, camera ${position.camera}`;
  const watching = position.state === "watching";
  part(".verdict").classList.add(position.verdict);
  part(".verdict").append(node("b", watching ? `So far: ${VERDICTS[position.verdict]}` : VERDICTS[position.verdict]),
    node("span", state(position)));
  part(".advice").replaceChildren(...position.advice.map((text) => node("li", text)));
  outlines(part(".outlines"), position);
  part("figure").hidden = !watching;
  part(".sides").classList.toggle("wide", !watching);
  const seen = `${position.visits} ${position.visits === 1 ? "visit" : "visits"} so far`;
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
    document.dispatchEvent(new CustomEvent("positions", { detail: answer.positions }));
  }
  live.querySelector(".text").textContent = answer ? "live" : "not connected";
  live.querySelector(".dot").className = `dot ${answer ? "good" : "bad"}`;
}

refresh();
