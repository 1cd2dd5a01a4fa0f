// The places while somebody edits them: what is drawn, what is selected, and every step back and forward.
"use strict";

import { rounded } from "./geometry.js";

export const SECTIONS = ["doors", "zones", "targets", "plan", "notices"];
const MOST_STEPS = 200;

const copied = (value) => JSON.parse(JSON.stringify(value));

// The items of a section; a floor plan is a section with one item at most.
export function items(places, section) {
  if (section === "plan") return places.plan ? [places.plan] : [];
  return places[section];
}

// The points of an item that lie in the picture.
export function pointsOf(section, item) {
  if (section === "doors") return [...item.line, item.inside];
  if (section === "zones") return item.polygon;
  return section === "plan" ? item.points : [];
}

function setPoint(section, item, index, point) {
  const place = point.map(rounded);
  if (section === "doors" && index === 2) item.inside = place;
  else if (section === "doors") item.line[index] = place;
  else pointsOf(section, item)[index] = place;
}

export function names(places) {
  return ["doors", "zones", "targets", "notices"].flatMap((section) => places[section].map((item) => item.name));
}

export class Draft {
  constructor() {
    this.load({});
  }

  // Begins anew with what is in force or asked for.
  load(places) {
    this.base = { doors: [], zones: [], targets: [], plan: null, notices: [], ...copied(places) };
    this.places = copied(this.base);
    this.past = [];
    this.future = [];
    this.merging = null;
    this.selected = null;
  }

  // Makes one step. Steps with the same key one after the other count as one, as when a key is held down.
  change(edit, key = null) {
    const before = JSON.stringify(this.places);
    edit(this.places);
    if (JSON.stringify(this.places) === before) return;
    if (key === null || key !== this.merging) this.past.push(before);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
    this.merging = key;
  }

  undo() {
    this.travel(this.past, this.future);
  }

  redo() {
    this.travel(this.future, this.past);
  }

  travel(from, to) {
    if (from.length === 0) return;
    to.push(JSON.stringify(this.places));
    this.places = JSON.parse(from.pop());
    this.merging = null;
    if (!this.item()) this.selected = null;
  }

  // The next step is one of its own, even with the same key.
  settle() {
    this.merging = null;
  }

  // The sections that differ from what was loaded.
  changed() {
    const differ = SECTIONS.filter((one) => JSON.stringify(this.places[one]) !== JSON.stringify(this.base[one]));
    return Object.fromEntries(differ.map((section) => [section, this.places[section]]));
  }

  isSelected(section, index) {
    return this.selected?.section === section && this.selected.index === index;
  }

  item({ section, index } = this.selected ?? {}) {
    return section ? items(this.places, section)[index] : undefined;
  }

  add(section, item) {
    this.change((places) => {
      if (section === "plan") places.plan = item;
      else places[section].push(item);
    });
    this.selected = { section, index: items(this.places, section).length - 1 };
  }

  remove({ section, index }) {
    this.change((places) => {
      if (section === "plan") places.plan = null;
      else places[section].splice(index, 1);
    });
    this.selected = null;
  }

  movePoint({ section, index }, point, place, key = `${section}.${index}.${point}`) {
    this.change((places) => setPoint(section, items(places, section)[index], point, place), key);
  }

  moveAll({ section, index }, [dx, dy], key = `${section}.${index}`) {
    this.change((places) => {
      const item = items(places, section)[index];
      const all = pointsOf(section, item);
      // Nothing leaves the picture, and nothing changes its shape at the edge.
      const stays = all.every(([x, y]) => x + dx >= 0 && x + dx <= 1 && y + dy >= 0 && y + dy <= 1);
      if (stays) all.forEach(([x, y], at) => setPoint(section, item, at, [x + dx, y + dy]));
    }, key);
  }

  addCorner({ section, index }, after) {
    this.change((places) => {
      const { polygon } = items(places, section)[index];
      const [one, other] = [polygon[after], polygon[(after + 1) % polygon.length]];
      polygon.splice(after + 1, 0, [0, 1].map((axis) => rounded((one[axis] + other[axis]) / 2)));
    });
  }

  removeCorner({ section, index }, corner) {
    if (section !== "zones" || this.places.zones[index].polygon.length <= 3) return;
    this.change((places) => places.zones[index].polygon.splice(corner, 1));
  }

  // Gives an item another name, also where others name it.
  rename({ section, index }, name) {
    this.change((places) => {
      const item = places[section][index];
      if (section === "zones") {
        const others = [...places.zones, ...places.targets, ...places.notices];
        others.forEach((other) => ["front", "zone", "desk"].forEach((key) => {
          if (other[key] === item.name) other[key] = name;
        }));
      }
      item.name = name;
    });
  }

  // An item with a name that is still free, from the points that were drawn.
  made(section, points) {
    const place = points.map((point) => point.map(rounded));
    const kind = { doors: "door", zones: "zone", targets: "target", notices: "notice" }[section];
    const taken = names(this.places);
    let number = 1;
    while (taken.includes(`${kind}-${number}`)) number += 1;
    const name = `${kind}-${number}`;
    if (section === "doors") return { name, line: place.slice(0, 2), inside: place[2] };
    if (section === "zones") return { name, polygon: place };
    if (section === "targets") return { name, yaw: 0, pitch: 0 };
    if (section === "notices") return { name, rule: "inside_over", limit: 20 };
    return { points: place, metres: [[0, 4], [4, 4], [4, 0], [0, 0]] };
  }
}
