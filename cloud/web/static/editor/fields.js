// What can be set of an item besides its points: each field with its words, and when it applies.
"use strict";

const RULES = {
  queue_over: ["zone", "limit", "seconds"],
  nobody_at_desk: ["zone", "desk", "seconds"],
  inside_over: ["limit"],
  zone_empty: ["zone", "seconds", "hours"],
};
const FIRST = { zone: "", desk: "", limit: 5, seconds: 60, hours: [9, 20] };

const counted = (places) => places.zones.filter((zone) => !zone.exclude).map((zone) => zone.name);
const zoneChoices = (places, none) => [["", none], ...counted(places).map((name) => [name, name])];

// A choice of "" or a number that is empty means that the setting is left out.
const zones = [
  { path: ["where"], label: _("Counts by"), kind: "choice", initial: "floor", shown: (item) => !item.exclude && !item.queue,
    choices: () => [["floor", _("where people stand")], ["shelf", _("where heads are, as at a shelf")]] },
  { path: ["stop_s"], label: _("A stay is a stop after (seconds)"), kind: "number", initial: 5, min: 1, max: 3600,
    shown: (item) => !item.exclude },
  { path: ["queue"], label: _("People queue here"), kind: "check", shown: (item) => !item.exclude },
  { path: ["front"], label: _("Where they are served"), kind: "choice", shown: (item) => item.queue,
    choices: (places) => zoneChoices(places, _("choose a zone")) },
  { path: ["exclude"], label: _("Count nobody here"), kind: "check", shown: (item) => !item.queue },
];
const targets = [
  { path: ["yaw"], label: _("Head turned to the right (degrees)"), kind: "number", initial: 0, min: -90, max: 90,
    shown: (item) => !item.at },
  { path: ["pitch"], label: _("Head turned up (degrees)"), kind: "number", initial: 0, min: -60, max: 60,
    shown: (item) => !item.at },
  { path: ["at", 0], label: _("On the plan, x (m)"), kind: "number", shown: (item) => item.at },
  { path: ["at", 1], label: _("On the plan, y (m)"), kind: "number", shown: (item) => item.at },
  { path: ["at", 2], label: _("Height (m)"), kind: "number", initial: 1.55, shown: (item) => item.at },
  { path: ["half_angle"], label: _("Half of its angle (degrees)"), kind: "number", initial: 15, min: 1, max: 60,
    shown: () => true },
  { path: ["zone"], label: _("For people in"), kind: "choice", shown: () => true,
    choices: (places) => zoneChoices(places, _("the whole view")) },
];
const needs = (key) => (item) => RULES[item.rule]?.includes(key);
const notices = [
  { path: ["rule"], label: _("Rule"), kind: "choice", shown: () => true, after: fitRule,
    choices: () => [["queue_over", _("more people than a limit are in a zone")],
      ["nobody_at_desk", _("nobody is at the desk while somebody waits")],
      ["inside_over", _("more people than a limit are inside")], ["zone_empty", _("nobody is in a zone")]] },
  { path: ["zone"], label: _("Zone"), kind: "choice", shown: needs("zone"),
    choices: (places) => zoneChoices(places, _("choose a zone")) },
  { path: ["desk"], label: _("Zone of the desk"), kind: "choice", shown: needs("desk"),
    choices: (places) => zoneChoices(places, _("choose a zone")) },
  { path: ["limit"], label: _("Limit (people)"), kind: "number", min: 0, max: 10000, shown: needs("limit") },
  { path: ["seconds"], label: _("For (seconds)"), kind: "number", min: 1, max: 86400, shown: needs("seconds") },
  { path: ["hours", 0], label: _("From (hour)"), kind: "number", min: 0, max: 24, shown: needs("hours") },
  { path: ["hours", 1], label: _("To (hour)"), kind: "number", min: 0, max: 24, shown: needs("hours") },
];
const plan = [0, 1, 2, 3].flatMap((point) => ["x", "y"].map((axis, index) => ({
  path: ["metres", point, index], label: _("Point %(number)s, %(axis)s (m)", { number: point + 1, axis }), kind: "number", shown: () => true,
})));

export const FIELDS = { doors: [], zones, targets, notices, plan };

// A rule has its own settings, and no others.
function fitRule(item) {
  Object.keys(FIRST).forEach((key) => {
    if (!RULES[item.rule].includes(key)) delete item[key];
    else item[key] ??= FIRST[key];
  });
}

export function valueOf(item, { path, initial }) {
  const found = path.reduce((value, key) => value?.[key], item);
  return found ?? initial ?? "";
}

export function setValue(item, { path, kind, after }, value) {
  const [inner, last] = [path.slice(0, -1).reduce((part, key) => part[key], item), path.at(-1)];
  if (Array.isArray(inner) && value === "") return;
  if (value === "" || value === false) delete inner[last];
  else inner[last] = kind === "number" ? Number(value) : value;
  if (last === "queue" && !value) delete item.front;
  after?.(item);
}
