// The same places as tables of numbers, for the keyboard, for screen readers, and to be exact.
"use strict";

import { SECTIONS, items, pointsOf } from "./draft.js";
import { FIELDS, setValue, valueOf } from "./fields.js";
import * as words from "./words.js";

export function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  });
  made.append(...children);
  return made;
}

export class Forms {
  // ``asks`` has the functions select, add, change, rename, movePoint, addCorner, removeCorner and remove.
  constructor(parent, asks) {
    Object.assign(this, { parent, asks, typed: null });
    parent.addEventListener("pointerdown", ({ target }) => { this.pressed = target.closest("button, summary") !== null; });
    // The click follows in the same task.
    ["pointerup", "pointercancel"].forEach((name) => window.addEventListener(name, () => setTimeout(() => this.release())));
    // ``typed`` is the field with text that the draft does not have yet. A press on a button or the drawing takes it over
    // first: a browser does so later or, for a finger, not at all.
    parent.addEventListener("input", ({ target }) => { this.typed = target; }, true);
    ["change", "focusout"].forEach((name) => parent.addEventListener(name, () => { this.typed = null; }, true));
    document.addEventListener("pointerdown", ({ target }) => {
      if (target.closest("button, summary, svg")) this.typed?.blur();
    }, true);
  }

  // To press a button ends the edit of a field, which asks for a render. A button that is replaced while it is pressed
  // gets no click, so the render waits until it is released.
  render(draft) {
    this.draft = draft;
    this.waiting = this.pressed;
    if (!this.waiting) this.replace();
  }

  release() {
    this.pressed = false;
    if (this.waiting) this.render(this.draft);
  }

  replace() {
    const made = node("div", {}, ...SECTIONS.map((section) => this.section(section)));
    const focused = this.parent.contains(document.activeElement) ? document.activeElement : null;
    const twin = focused && made.querySelector(`[data-key="${CSS.escape(focused.dataset.key)}"]`);
    if (twin?.matches("input, select")) {
      this.replaceAround(focused, twin);
      return;
    }
    this.parent.replaceChildren(...made.childNodes);
    twin?.focus();
  }

  // A field that has the focus stays, with its caret, its selection and what is typed in it: only what is around it is
  // replaced. The same key has the same ancestors.
  replaceAround(field, twin) {
    [...twin.attributes].filter(({ name, value }) => field.getAttribute(name) !== value)
      .forEach(({ name, value }) => field.setAttribute(name, value));
    if (field !== this.typed && field.value !== twin.value) field.value = twin.value;
    for (let [old, made] = [field, twin]; old !== this.parent; [old, made] = [old.parentNode, made.parentNode]) {
      const fresh = [...made.parentNode.childNodes];
      const at = fresh.indexOf(made);
      [...old.parentNode.childNodes].filter((one) => one !== old).forEach((one) => one.remove());
      old.before(...fresh.slice(0, at));
      old.after(...fresh.slice(at + 1));
    }
  }

  section(section) {
    const found = items(this.draft.places, section);
    const full = section === "plan" && found.length > 0;
    const add = node("button", {
      type: "button", click: () => this.asks.add(section), hidden: full, "data-add": section, "data-key": `add.${section}`,
    }, words.ADD[section]);
    const adds = [add];
    if (section === "targets" && this.draft.places.plan) {
      adds.push(node("button", { type: "button", click: () => this.asks.add(section, true), "data-key": "add.at" },
        words.ADD_AT));
    }
    return node("section", { "data-section": section }, node("h3", {}, words.TITLES[section]),
      node("p", { class: "says" }, words.ABOUT[section]),
      ...found.map((item, index) => this.item({ section, index }, item)), node("p", { class: "buttons" }, ...adds));
  }

  item(which, item) {
    const { section, index } = which;
    const open = this.draft.isSelected(section, index);
    const choose = (event) => {
      event.preventDefault(); // what is selected is open, and nothing else
      this.asks.select(open ? null : which);
    };
    const summary = node("summary", { "data-key": `item.${section}.${index}`, click: choose }, words.itemName(section, item));
    const details = node("details", { open }, summary);
    if (!open) return details;
    const fields = FIELDS[section].filter((field) => field.shown(item));
    details.append(
      ...(section === "plan" ? [] : [this.name(which, item)]),
      ...fields.map((field) => this.field(which, item, field)),
      ...(pointsOf(section, item).length ? [this.points(which, item)] : []),
      node("p", { class: "buttons" }, node("button", {
        type: "button", class: "remove", click: () => this.asks.remove(which), "data-key": `remove.${section}.${index}`,
      }, words.removeItem(section, item))),
    );
    return details;
  }

  name(which, item) {
    const change = (event) => this.asks.rename(which, event.target.value.trim());
    return node("label", {}, node("span", {}, words.NAME), node("input", {
      value: item.name, maxlength: 64, autocomplete: "off", spellcheck: "false", change,
      "data-key": `name.${which.section}.${which.index}`,
    }));
  }

  field(which, item, field) {
    const { label, kind, min = null, max = null } = field;
    const value = valueOf(item, field);
    const key = `${which.section}.${which.index}.${field.path.join(".")}`;
    const change = (event) => {
      const { target } = event;
      this.asks.change(which, (changed) => setValue(changed, field, kind === "check" ? target.checked : target.value));
    };
    const control = kind === "choice"
      ? node("select", { change, "data-key": key }, ...field.choices(this.draft.places)
        .map(([choice, text]) => node("option", { value: choice, selected: choice === value }, text)))
      : node("input", kind === "check"
        ? { type: "checkbox", checked: value === true, change, "data-key": key }
        : { type: "number", value, min, max, step: "any", inputmode: "decimal", change, "data-key": key });
    return node("label", { class: kind }, node("span", {}, label), control);
  }

  points(which, item) {
    const { section, index } = which;
    const points = pointsOf(section, item);
    const head = node("thead", {}, node("tr", {}, ...words.COLUMNS
      .map((text) => node("th", { scope: "col" }, text)), ...(section === "zones" ? [node("td")] : [])));
    const rows = points.map((point, at) => {
      const name = words.pointName(section, at);
      const cells = words.SIDES.map((side, axis) => node("td", {}, node("input", {
        type: "number", required: true, min: 0, max: 100, step: "any", inputmode: "decimal",
        value: words.percent(point[axis]),
        "aria-label": words.coordinate(name, words.itemName(section, item), side),
        "data-key": `${section}.${index}.${at}.${axis}`,
        change: ({ target }) => {
          const moved = [...pointsOf(section, items(this.draft.places, section)[index])[at]]; // as it is by now
          if (target.validity.valid) {
            moved[axis] = Number(target.value) / 100;
            this.asks.movePoint(which, at, moved);
          } else {
            target.value = words.percent(moved[axis]); // empty, or outside the picture: it stays
          }
        },
      })));
      if (section === "zones") cells.push(this.corner(which, points, at, name));
      return node("tr", {}, node("th", { scope: "row" }, name), ...cells);
    });
    return node("table", { class: "points" }, head, node("tbody", {}, ...rows));
  }

  corner(which, points, at, name) {
    const key = `${which.section}.${which.index}.${at}`;
    return node("td", { class: "buttons" },
      node("button", {
        type: "button", "aria-label": words.addCorner(name), title: words.ADD_CORNER, "data-key": `${key}.add`,
        click: () => this.asks.addCorner(which, at),
      }, "+"),
      node("button", {
        type: "button", "aria-label": words.removeCorner(name), title: words.REMOVE_CORNER,
        "data-key": `${key}.remove`, disabled: points.length <= 3, click: () => this.asks.removeCorner(which, at),
      }, "×"));
  }
}
