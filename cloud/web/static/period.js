// Draws the chart of days from the table below it, with charts.js; everything else on the page is HTML.
"use strict";

const table = document.querySelector("#days table");

function days() {
  const rows = [...table.querySelectorAll("tbody tr")].map(({ dataset }) => dataset);
  const count = (text) => (text === "" ? null : Number(text));
  const [visits, others] = [rows.map((row) => count(row.visits)), rows.map((row) => count(row.other))];
  const top = 1.15 * Math.max(4, ...visits, ...others);
  const host = document.querySelector("#days .chart");
  const cells = [...table.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.textContent.trim()));
  drawBars(host, {
    labels: rows.map((row) => (rows.length > 8 ? row.short : row.weekday)),
    says: cells.map((texts) => texts.filter(Boolean).join(" · ")),
    range: [0, top],
    series: [
      { values: rows.map((row) => (row.state === "no_data" ? top : null)), fill: hatching(css("--hatch"), true) },
      { values: others, fill: css("--soft"), size: 0.85 },
      { values: visits, fill: css("--accent"), size: 0.5, ink: true, texts: rows.length > 8 ? null : visits.map((value) => (value === null ? "" : number(value))) },
      { values: rows.map((row, index) => (row.state === "partial" ? visits[index] : null)), fill: hatching(css("--card")), size: 0.5 },
    ],
  });
}

// The figures of another period take a moment on a small machine: say so until they are there.
function loading() {
  document.querySelector("main").setAttribute("aria-busy", "true");
  document.getElementById("loading").hidden = false;
}

document.querySelector(".choose").addEventListener("submit", loading);
document.querySelectorAll(".choose a.step, .views a").forEach((link) => link.addEventListener("click", (event) => {
  if (!event.ctrlKey && !event.metaKey && !event.shiftKey) loading();
}));
// A page that the browser kept and shows again has its figures.
addEventListener("pageshow", () => {
  document.querySelector("main").removeAttribute("aria-busy");
  document.getElementById("loading").hidden = true;
});

if (table) {
  document.querySelector("#days details").open = false;
  document.querySelector("#days").classList.add("drawn");
  days();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", days);
}
