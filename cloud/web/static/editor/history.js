// Who changed what, and what the device answered.
"use strict";

import { node } from "./forms.js";
import * as words from "./words.js";

export function answerOf(device) {
  const [last] = device.changes;
  return last ? words.answer(last, device.online) : words.NO_CHANGES;
}

// The number of the version that was asked for before the last change; a refused one was never in force.
export function before(device) {
  return device.changes.slice(1).find((change) => change.answer !== "refused")?.number ?? 0;
}

// ``restore`` takes the number of an earlier version; 0 is the device's own file.
export function history(device, restore) {
  const again = (number) => node("td", {}, node("button", {
    type: "button", "data-restore": number, click: () => restore(number),
  }, words.USE_VERSION));
  const rows = device.changes.map((change, index) => node("tr", { class: change.answer },
    node("th", { scope: "row" }, words.moment(change.at)), node("td", {}, change.who),
    node("td", {}, words.keys(change.keys)),
    node("td", {}, words.answer(change, device.online), " ", node("span", { class: "says" }, words.settings(change))),
    index === 0 ? node("td") : again(change.number)));
  if (rows.length) {
    rows.push(node("tr", {}, node("td"), node("td"), node("td", {}, words.OWN_FILE), node("td"), again(0)));
  }
  const head = node("tr", {}, ...words.HISTORY.map((text) => node("th", { scope: "col" }, text)), node("td"));
  return [node("thead", {}, head), node("tbody", {}, ...rows)];
}
