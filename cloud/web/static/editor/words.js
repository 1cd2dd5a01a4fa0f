// Every sentence of the editor that changes; editor.html has the others.
"use strict";

export const TITLES = {
  doors: "Doors", zones: "Zones", targets: "Targets", plan: "Floor plan", notices: "Notices for staff",
};
export const ADD = {
  doors: "Add a door", zones: "Add a zone", targets: "Add a target", plan: "Add a floor plan", notices: "Add a notice",
};
export const ADD_AT = "Add a target on the plan";
export const NAME = "Name";
export const COLUMNS = ["Point", "From the left (%)", "From the top (%)"];
export const SIDES = ["from the left", "from the top"];
export const HISTORY = ["When", "Who", "What", "Answer of the device"];
export const ABOUT = {
  doors: "A door is a line on the floor; the arrow points inside. Draw it a step inside of where people come into view.",
  zones: "A zone is an area of the floor. Leave half a metre to a way on which people only walk by.",
  targets: "A target is what people look at. Targets need 16 degrees between them, as seen from where people stand.",
  plan: "Four points of the floor, in order around it, and where the same points are in metres.",
  notices: "A notice tells staff that a rule holds now.",
};
export const STEPS = {
  doors: ["Choose one end of the door.", "Choose the other end.", "Choose a point inside, behind the door."],
  zones: ["Choose the first corner.", "Choose the next corner.", "Choose the next corner.",
    "Choose the next corner, or the first one again to finish."],
  plan: ["Choose the first of four points of the floor.", "Choose the second point, in order around the floor.",
    "Choose the third point.", "Choose the fourth point."],
};
export const HELP = "Mouse or finger: drag a point or an area. Keyboard: Tab to a point, then the arrow keys, with Shift"
  + " for larger steps; Delete removes it. Every point is in the tables, too.";
export const DRAW_HELP = "Keyboard: arrow keys move the cross, Enter sets a point, Backspace takes one back, Escape ends.";
export const NOTHING_TO_SEND = "Nothing has changed.";
export const SEND_FIRST = "Send or undo the changes of this device first.";
export const SENDING = "The change is being sent.";
export const NO_SERVER = "The server cannot be reached.";
export const REMOVE_CORNER = "Remove";
export const ADD_CORNER = "Add a corner after it";
export const USE_VERSION = "Use this version";
export const OWN_FILE = "The device's own file, without any change from here";
export const NO_CHANGES = "Nothing has been changed from here yet.";

export const itemName = (section, item) => ({
  doors: `Door ${item.name}`, zones: `Zone ${item.name}`, targets: `Target ${item.name}`, plan: "Floor plan",
  notices: `Notice ${item.name}`,
}[section]);

export const removeItem = (section, item) => `Delete ${itemName(section, item).toLowerCase()}`;

export function pointName(section, index) {
  if (section === "doors") return ["One end", "Other end", "Inside"][index];
  return section === "plan" ? `Point ${index + 1}` : `Corner ${index + 1}`;
}

export const coordinate = (point, item, side) => `${point} of ${item}, ${side}, in percent`;
export const place = ([x, y]) => `${percent(x)} % from the left, ${percent(y)} % from the top`;
export const percent = (share) => Math.round(share * 1000) / 10;

export const nameMissing = (section) => `A name is missing under "${TITLES[section]}".`;
export const nameTwice = (name) => `The name ${name} is used twice. Doors, zones and targets need different names.`;

const SECTION_WORDS = {
  doors: "doors", zones: "zones", targets: "targets", plan: "floor plan", notices: "notices", camera: "camera",
};
export const keys = (names) => names.map((name) => SECTION_WORDS[name] ?? name).join(", ") || "nothing";

export function answer(change, online) {
  switch (change.answer) {
    case "accepted": return `In use since ${moment(change.answered)}.`;
    case "checked": return "The device has checked it. Places change at closing time; until then it counts as before.";
    case "refused": return `The device has refused it: ${change.reason.replace(/^refused: (top level: )?/, "")}. It counts as before.`;
    case "replaced": return "Replaced by a later change before it was in use.";
    default: return online
      ? "Sent. The device has not answered yet."
      : "Sent. The device is not connected; the broker keeps the change for it.";
  }
}

export function settings(change) {
  if (!change.config) return "";
  return change.before && change.before !== change.config
    ? `Settings ${change.before} before, ${change.config} since.` : `Settings ${change.config} since.`;
}

export const moment = (iso) => new Date(iso).toLocaleString([], {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});

export const unsent = (names) => `Not sent yet: ${keys(names)}.`;
