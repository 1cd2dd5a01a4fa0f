// The drawing: places over outlines and floor points, never over a picture. It reads the draft and reports what the
// pointer and the keys want; it changes nothing itself.
"use strict";

import { items, pointsOf } from "./draft.js";
import { middle, projection } from "./geometry.js";
import { itemName, place, pointName } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.01, LARGE_STEP = 0.05;
// A pointer that moves less than this only selects.
const SLIP_PX = 4;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function shape(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.textContent = text;
  return made;
}

// How far an arrow key moves; null for any other key.
export function stepOf(event) {
  const step = event.shiftKey ? LARGE_STEP : STEP;
  return ARROWS[event.key]?.map((direction) => direction * step) ?? null;
}

export class Drawing {
  // ``asks`` has the functions select, movePoint, moveAll, removePoint, removeItem, insertCorner, settle, and drawAt.
  constructor(svg, asks) {
    Object.assign(this, { svg, asks, size: [1280, 720], seen: { faces: [], floor: [] }, fixed: [], drag: null });
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.pull(event));
    ["pointerup", "pointercancel"].forEach((name) => svg.addEventListener(name, () => this.release()));
    svg.addEventListener("click", (event) => this.sketch && this.asks.drawAt(this.at(event)));
    svg.addEventListener("keydown", (event) => this.key(event));
  }

  // What is behind the places: the size of the picture, outlines of faces and floor points; and zones that stay.
  setBackground({ width, height, faces, floor }) {
    this.size = [width, height];
    this.seen = { faces, floor };
  }

  // ``sketch`` is what is being drawn: {section, points, cursor}, or null.
  render(draft, sketch) {
    [this.draft, this.sketch] = [draft, sketch];
    const focused = this.svg.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const [width, height] = this.size;
    // Sizes in pixels of the screen, whatever the size of the picture.
    this.unit = width / Math.max(this.svg.clientWidth, 240);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.classList.toggle("sketching", Boolean(sketch));
    this.svg.replaceChildren(
      ...this.background(),
      ...this.fixed.flatMap(({ name, polygon }) => [this.area(polygon, "fixed"), this.label(name, middle(polygon))]),
      ...["plan", "zones", "doors", "targets"].flatMap((section) => items(draft.places, section)
        .flatMap((item, index) => this.item(section, item, index))),
      ...(sketch ? this.sketched(sketch) : this.handles()),
    );
    if (focused) this.svg.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  background() {
    const { faces, floor } = this.seen;
    const boxes = faces.map(({ x1, y1, x2, y2 }) => {
      const [[x, y], [right, bottom]] = [this.px([x1, y1]), this.px([x2, y2])];
      return shape("rect", { x, y, width: right - x, height: bottom - y, rx: 4 * this.unit, class: "face" });
    });
    return [...floor.map((point) => this.dot(point, 2.5, { class: "stood" })), ...boxes];
  }

  item(section, item, index) {
    const chosen = this.draft.isSelected(section, index) ? " chosen" : "";
    const group = shape("g", {
      class: `${section}${chosen}`, tabindex: this.sketch ? -1 : 0, role: "button", "data-key": `${section}.${index}`,
      "aria-label": itemName(section, item), "data-section": section, "data-index": index,
    });
    const points = pointsOf(section, item);
    if (section === "doors") group.append(...this.door(points));
    else if (section === "targets") {
      const spot = this.spot(item);
      if (!spot) return [];
      group.append(this.dot(spot, 7, {}));
      points.push(spot);
    } else group.append(this.area(points, item.exclude ? "fixed" : ""));
    group.append(this.label(section === "plan" ? itemName(section, item) : item.name, ["doors", "plan"].includes(section) ? points[0] : middle(points)));
    return [group];
  }

  door([one, other, inside]) {
    const [[x1, y1], [x2, y2]] = [this.px(one), this.px(other)];
    const [from, to] = [this.px(middle([one, other])), this.px(inside)];
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
    const [dx, dy] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
    const [back, side] = [12 * this.unit, 6 * this.unit];
    const head = [[0, 0], [-back, side], [-back, -side]]
      .map(([along, across]) => [to[0] + along * dx - across * dy, to[1] + along * dy + across * dx]);
    const line = (ends, name) => shape("line", { ...ends, class: name });
    return [line({ x1, y1, x2, y2 }, "wide"), line({ x1, y1, x2, y2 }, "sill"),
      line({ x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, "inwards"),
      shape("polygon", { points: head.join(" "), class: "head" })];
  }

  // Where a target on the plan stands in the picture.
  spot(target) {
    const { plan } = this.draft.places;
    if (!target.at || !plan) return null;
    const found = projection(plan.metres, plan.points)?.(target.at);
    return found?.every((share) => share >= 0 && share <= 1) ? found : null;
  }

  handles() {
    const { selected } = this.draft;
    if (!selected) return [];
    const item = this.draft.item();
    const points = pointsOf(selected.section, item);
    const between = selected.section !== "zones" ? [] : points.map((point, index) => this.dot(
      middle([point, points[(index + 1) % points.length]]), 5, { class: "between", "data-after": index },
    ));
    const grips = points.map((point, index) => this.dot(point, 8, {
      class: "grip", tabindex: 0, role: "button", "data-point": index,
      "data-key": `${selected.section}.${selected.index}.${index}`,
      "aria-label": place(pointName(selected.section, index), itemName(selected.section, item), point),
    }));
    return [...between, ...grips];
  }

  sketched({ points, cursor }) {
    const path = points.map((point) => this.px(point)).join(" ");
    const [[x], [, y]] = [this.px(cursor), this.px(cursor)];
    return [shape("polyline", { points: path, class: "sketch" }),
      ...points.map((point) => this.dot(point, 6, { class: "sketch" })),
      shape("line", { x1: x, x2: x, y1: 0, y2: this.size[1], class: "cross" }),
      shape("line", { x1: 0, x2: this.size[0], y1: y, y2: y, class: "cross" })];
  }

  area(points, name) {
    return shape("polygon", { points: points.map((point) => this.px(point)).join(" "), class: name });
  }

  dot(point, radius, attributes) {
    const [cx, cy] = this.px(point);
    return shape("circle", { cx, cy, r: radius * this.unit, ...attributes });
  }

  label(text, point) {
    const [x, y] = this.px(point);
    return shape("text", { x, y: y - 8 * this.unit, "font-size": 13 * this.unit }, text);
  }

  px([x, y]) {
    return [x * this.size[0], y * this.size[1]];
  }

  at(event) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  press(event) {
    if (this.sketch || event.button !== 0) return;
    const target = event.target.closest("[data-point], [data-after], [data-section]");
    if (!target) {
      this.asks.select(null);
      return;
    }
    const { point, after, section, index } = target.dataset;
    if (after !== undefined) this.asks.insertCorner(Number(after));
    else if (section) this.asks.select({ section, index: Number(index) });
    const corner = point === undefined ? undefined : Number(point);
    this.drag = { corner: after === undefined ? corner : Number(after) + 1, from: this.at(event) };
    this.svg.setPointerCapture(event.pointerId);
  }

  pull(event) {
    if (this.sketch) this.asks.aim(this.at(event));
    if (!this.drag) return;
    const to = this.at(event);
    const { width } = this.svg.getBoundingClientRect();
    this.drag.moves ||= Math.hypot(to[0] - this.drag.from[0], to[1] - this.drag.from[1]) * width > SLIP_PX;
    if (!this.drag.moves) return;
    if (this.drag.corner !== undefined) this.asks.movePoint(this.drag.corner, to, "drag");
    else this.asks.moveAll([0, 1].map((axis) => to[axis] - this.drag.from[axis]), "drag");
    this.drag.from = to;
  }

  release() {
    if (this.drag) this.asks.settle();
    this.drag = null;
  }

  key(event) {
    if (this.sketch) {
      if (this.asks.drawKey(event)) event.preventDefault();
      return;
    }
    const { point, section, index } = event.target.dataset;
    const step = stepOf(event);
    const removes = event.key === "Delete" || event.key === "Backspace";
    const opens = event.key === "Enter" || event.key === " ";
    if (section && (step || removes || opens)) this.asks.select({ section, index: Number(index) });
    if (point !== undefined && step) {
      const from = pointsOf(this.draft.selected.section, this.draft.item())[Number(point)];
      this.asks.movePoint(Number(point), [0, 1].map((axis) => from[axis] + step[axis]));
    } else if (point !== undefined && removes) this.asks.removePoint(Number(point));
    else if (section && step) this.asks.moveAll(step);
    else if (section && removes) this.asks.removeItem();
    else if (!(section && opens)) return;
    event.preventDefault();
  }
}
