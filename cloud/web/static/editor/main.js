// The editor of places: loads what is asked for, lets people draw, sends changed sections and shows the answer.
// cloud/web/places_page.py describes the interface. Every text is set as textContent, so that no name can become markup.
"use strict";

import { Draft, items, names } from "./draft.js";
import { Drawing, stepOf } from "./drawing.js";
import { Forms } from "./forms.js";
import { projection, rounded } from "./geometry.js";
import { answerOf, before, history } from "./history.js";
import * as words from "./words.js";

const POLL_MS = 3000;
const NEAR = 0.015;
const POINTS = { doors: 3, zones: Infinity, plan: 4 };
const part = (name) => document.querySelector(`#editor [data-part="${name}"]`);

const near = (one, other) => one.every((share, axis) => Math.abs(share - other[axis]) < NEAR);

class Editor {
  constructor(root) {
    this.root = root;
    this.draft = new Draft();
    this.devices = [];
    this.device = null;
    this.sketch = null;
    const which = () => this.draft.selected;
    const step = (work) => (...given) => { work(...given); this.render(); };
    this.drawing = new Drawing(part("drawing"), {
      select: (selected) => this.select(selected),
      movePoint: step((...given) => this.draft.movePoint(which(), ...given)),
      moveAll: step((...given) => this.moveAll(...given)),
      removePoint: step((corner) => this.draft.removeCorner(which(), corner)),
      removeItem: step(() => this.draft.remove(which())),
      insertCorner: step((after) => this.draft.addCorner(which(), after)),
      settle: () => this.draft.settle(),
      drawAt: step((point) => this.drawAt(point)),
      drawKey: (event) => this.drawKey(event),
      aim: step((point) => { this.sketch.cursor = point; }),
    });
    this.forms = new Forms(part("forms"), {
      select: (selected) => this.select(selected),
      add: step((section, onPlan) => this.draft.add(section, this.placed(section, onPlan))),
      change: step((chosen, edit) => this.draft.change((places) => edit(items(places, chosen.section)[chosen.index]))),
      rename: step((chosen, name) => this.draft.rename(chosen, name)),
      movePoint: step((chosen, point, to) => this.draft.movePoint(chosen, point, to, null)),
      addCorner: step((chosen, after) => this.draft.addCorner(chosen, after)),
      removeCorner: step((chosen, corner) => this.draft.removeCorner(chosen, corner)),
      remove: step((chosen) => this.draft.remove(chosen)),
    });
    root.querySelectorAll("[data-draw]").forEach((button) => {
      button.addEventListener("click", () => this.begin(button.dataset.draw));
    });
    part("undo").addEventListener("click", step(() => this.draft.undo()));
    part("redo").addEventListener("click", step(() => this.draft.redo()));
    part("finish").addEventListener("click", step(() => this.finish()));
    part("cancel").addEventListener("click", step(() => { this.sketch = null; }));
    part("save").addEventListener("click", () => this.save());
    part("forms").addEventListener("input", () => { part("save").disabled = this.untouched(); });
    part("back").addEventListener("click", () => this.send("/restore", { number: before(this.device) }));
    part("device").addEventListener("change", (event) => this.leave(event.target));
    document.addEventListener("keydown", (event) => this.shortcut(event));
    document.addEventListener("positions", (event) => this.look(event.detail));
    window.addEventListener("resize", () => this.render());
    window.addEventListener("beforeunload", (event) => { if (!this.untouched()) event.preventDefault(); });
  }

  async refresh() {
    const asked = this.asked = Symbol("the newest question");
    const answer = await this.ask(this.root.dataset.api);
    if (asked !== this.asked) return; // it may not know yet what was sent meanwhile
    this.root.removeAttribute("data-waiting");
    part("offline").textContent = answer.error ?? "";
    if (!answer.devices) return;
    this.devices = answer.devices;
    this.root.hidden = this.devices.length === 0;
    if (this.root.hidden) return;
    const found = this.devices.find(({ device }) => device === this.device?.device);
    if (!found) this.choose(this.devices[0].device);
    else this.update(found);
  }

  leave(list) {
    if (this.untouched()) {
      this.choose(list.value);
      return;
    }
    list.value = this.device.device;
    this.say(words.SEND_FIRST);
  }

  choose(name) {
    this.device = this.devices.find(({ device }) => device === name);
    this.load();
    part("device").replaceChildren(...this.devices.map(({ device }) => new Option(device, device, false, device === name)));
    part("devices").hidden = this.devices.length < 2;
    this.look(this.positions ?? []);
    this.showDevice();
  }

  // Somebody else's change is loaded, unless it would take away what is drawn or typed here. ``seen`` then stays, so that
  // the server refuses to overwrite it.
  update(device) {
    const news = JSON.stringify(device) !== JSON.stringify(this.device);
    this.device = device;
    if (device.last === this.seen) this.draft.base = this.inForce();
    else if (this.untouched()) this.load();
    // Without news, the history stays: a button that is replaced loses the focus, and the click of who presses it.
    if (news) this.showDevice();
    else this.render();
  }

  load() {
    this.seen = this.device.last;
    this.draft.load(this.inForce());
    this.sketch = null;
    this.render();
  }

  // What is asked for, over the device's own file. Zones of the file in which nobody is counted always stay.
  inForce() {
    const own = this.device.own ?? {};
    this.drawing.fixed = (own.zones ?? []).filter((zone) => zone.exclude);
    const counted = (own.zones ?? []).filter((zone) => !zone.exclude);
    return { doors: [], targets: [], plan: null, notices: [], ...own, zones: counted, ...this.device.asked };
  }

  // Outlines and floor points of the check, if this device is or was checked lately.
  look(positions) {
    this.positions = positions;
    const found = positions.find(({ device }) => device === this.device?.device);
    if (found) this.drawing.setBackground(found);
    part("no-check").hidden = Boolean(found);
    if (this.device && !this.drawing.drag) this.drawing.render(this.draft, this.sketch);
  }

  begin(section) {
    this.sketch = { section, points: [], cursor: [0.5, 0.5] };
    this.draft.selected = null;
    this.render();
    part("drawing").focus();
  }

  drawAt(point) {
    const { section, points } = this.sketch;
    const place = point.map(rounded);
    const closes = points.length >= 3 && (near(place, points[0]) || near(place, points.at(-1)));
    if (!(section === "zones" && closes)) points.push(place);
    if ((section === "zones" && closes) || points.length === POINTS[section]) this.finish();
  }

  drawKey(event) {
    const { points, cursor } = this.sketch;
    const step = stepOf(event);
    if (step) this.sketch.cursor = cursor.map((share, axis) => rounded(share + step[axis]));
    else if (event.key === "Enter" || event.key === " ") this.drawAt(cursor);
    else if (event.key === "Backspace") points.pop();
    else if (event.key === "Escape") this.sketch = null;
    else return false;
    this.render();
    return true;
  }

  finish() {
    const { section, points } = this.sketch;
    this.draft.add(section, this.draft.made(section, points));
    this.sketch = null;
  }

  // A new item for the tables, in the middle of the picture.
  placed(section, onPlan) {
    const made = this.draft.made(section, {
      doors: [[0.3, 0.6], [0.7, 0.6], [0.5, 0.8]], zones: [[0.4, 0.6], [0.6, 0.6], [0.6, 0.8], [0.4, 0.8]],
      plan: [[0.3, 0.5], [0.7, 0.5], [0.9, 0.9], [0.1, 0.9]],
    }[section] ?? []);
    return onPlan ? { name: made.name, at: [...this.draft.places.plan.metres[0]] } : made;
  }

  // A target on the plan moves over the floor; everything else moves with all its points.
  moveAll(by, key) {
    const { selected, places } = this.draft;
    const item = this.draft.item();
    if (selected.section !== "targets") {
      this.draft.moveAll(selected, by, key);
      return;
    }
    const spot = this.drawing.spot(item);
    const floor = places.plan && projection(places.plan.points, places.plan.metres);
    if (!spot || !floor) return;
    const [x, y] = floor([spot[0] + by[0], spot[1] + by[1]]).map((metres) => Math.round(metres * 100) / 100);
    this.draft.change((changed) => changed.targets[selected.index].at.splice(0, 2, x, y), key ?? "target");
  }

  select(selected) {
    if (JSON.stringify(selected) === JSON.stringify(this.draft.selected)) return;
    this.draft.selected = selected;
    this.draft.settle();
    this.render();
  }

  shortcut(event) {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input, select")) return;
    if (event.key === "z" && !event.shiftKey) this.draft.undo();
    else if (event.key === "y" || (event.key === "Z" && event.shiftKey)) this.draft.redo();
    else return;
    event.preventDefault();
    this.render();
  }

  unsent() {
    return this.device ? Object.keys(this.draft.changed()) : [];
  }

  untouched() {
    return this.unsent().length === 0 && !this.forms.typed;
  }

  // What can be said before the device is asked; the device checks everything.
  mistake() {
    const { places } = this.draft;
    const nameless = ["doors", "zones", "targets", "notices"].find((one) => places[one].some(({ name }) => !name));
    if (nameless) return words.nameMissing(nameless);
    const all = names({ ...places, notices: [] });
    const twice = all.find((name, index) => all.indexOf(name) !== index);
    return twice ? words.nameTwice(twice) : null;
  }

  async save() {
    const mistake = this.mistake() ?? (this.unsent().length ? null : words.NOTHING_TO_SEND);
    if (mistake) this.say(mistake);
    else await this.send("", { seen: this.seen, sections: this.draft.changed() });
  }

  async send(action, body) {
    this.say(words.SENDING);
    const path = `${this.root.dataset.api}/${encodeURIComponent(this.device.device)}${action}`;
    const answer = await this.ask(path, {
      method: "POST", body: JSON.stringify(body),
      headers: { "content-type": "application/json", "x-csrf-token": this.root.dataset.token },
    });
    this.say(answer.error ?? "");
    if (answer.number === undefined) return;
    if (action === "") this.seen = answer.number;
    else this.draft.load(this.draft.base);
    await this.refresh();
  }

  async ask(path, options = {}) {
    try {
      const response = await fetch(path, { cache: "no-store", ...options });
      return await response.json();
    } catch {
      return { error: words.NO_SERVER };
    }
  }

  say(text) {
    part("said").textContent = text;
  }

  showDevice() {
    part("answer").textContent = answerOf(this.device);
    part("answer").className = `answer ${this.device.changes[0]?.answer ?? ""}`;
    part("unknown").hidden = this.device.own !== null;
    part("fixed").hidden = this.drawing.fixed.length === 0;
    part("back").hidden = part("changes").hidden = this.device.changes.length === 0;
    part("history").replaceChildren(...history(this.device, (number) => this.send("/restore", { number })));
    this.render();
  }

  render() {
    if (!this.device) return;
    const { sketch, draft } = this;
    this.drawing.render(draft, sketch);
    part("hint").textContent = sketch
      ? `${words.STEPS[sketch.section][Math.min(sketch.points.length, words.STEPS[sketch.section].length - 1)]} ${words.DRAW_HELP}`
      : words.HELP;
    part("finish").hidden = !(sketch?.section === "zones" && sketch.points.length >= 3);
    part("cancel").hidden = !sketch;
    part("undo").disabled = draft.past.length === 0;
    part("redo").disabled = draft.future.length === 0;
    const unsent = this.unsent();
    part("unsent").textContent = unsent.length ? words.unsent(unsent) : "";
    part("save").disabled = this.untouched();
    this.root.querySelector('[data-draw="plan"]').disabled = Boolean(draft.places.plan);
    // Later, so that a field which gets the focus by the same event is there first, and keeps it.
    clearTimeout(this.later);
    this.later = setTimeout(() => this.forms.render(draft));
  }
}

const editor = new Editor(document.getElementById("editor"));

async function refresh() {
  if (!document.hidden) await editor.refresh();
  setTimeout(refresh, POLL_MS);
}

refresh();
