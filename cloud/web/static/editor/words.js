// Every sentence of the editor that changes; editor.html has the others.
"use strict";

export const TITLES = {
  doors: _("Doors"), zones: _("Zones"), targets: _("Targets"), plan: _("Floor plan"), notices: _("Notices for staff"),
};
export const ADD = {
  doors: _("Add a door"), zones: _("Add a zone"), targets: _("Add a target"), plan: _("Add a floor plan"), notices: _("Add a notice"),
};
export const ADD_AT = _("Add a target on the plan");
export const NAME = _("Name");
export const COLUMNS = [_("Point"), _("From the left (%%)"), _("From the top (%%)")];
export const SIDES = [_("from the left"), _("from the top")];
export const HISTORY = [_("When"), _("Who"), _("What"), _("Answer of the device")];
export const ABOUT = {
  doors: _("A door is a line on the floor; the arrow points inside. Draw it a step inside of where people come into view."),
  zones: _("A zone is an area of the floor. Leave half a metre to a way on which people only walk by."),
  targets: _("A target is what people look at. Targets need 16 degrees between them, as seen from where people stand."),
  plan: _("Four points of the floor, in order around it, and where the same points are in metres."),
  notices: _("A notice tells staff that a rule holds now."),
};
export const STEPS = {
  doors: [_("Choose one end of the door."), _("Choose the other end."), _("Choose a point inside, behind the door.")],
  zones: [_("Choose the first corner."), _("Choose the next corner."), _("Choose the next corner."),
    _("Choose the next corner, or the first one again to finish.")],
  plan: [_("Choose the first of four points of the floor."), _("Choose the second point, in order around the floor."),
    _("Choose the third point."), _("Choose the fourth point.")],
};
export const HELP = _("Mouse or finger: drag a point or an area. Keyboard: Tab to a point, then the arrow keys, with Shift"
  + " for larger steps; Delete removes it. Every point is in the tables, too.");
export const DRAW_HELP = _("Keyboard: arrow keys move the cross, Enter sets a point, Backspace takes one back, Escape ends.");
export const NOTHING_TO_SEND = _("Nothing has changed.");
export const SEND_FIRST = _("Send or undo the changes of this device first.");
export const SENDING = _("The change is being sent.");
export const NO_SERVER = _("The server cannot be reached.");
export const REMOVE_CORNER = _("Remove");
export const ADD_CORNER = _("Add a corner after it");
export const USE_VERSION = _("Use this version");
export const OWN_FILE = _("The device's own file, without any change from here");
export const NO_CHANGES = _("Nothing has been changed from here yet.");

export const itemName = (section, item) => ({
  doors: _("Door %(name)s", item), zones: _("Zone %(name)s", item), targets: _("Target %(name)s", item), plan: _("Floor plan"),
  notices: _("Notice %(name)s", item),
}[section]);

export const removeItem = (section, item) => ({
  doors: _("Delete door %(name)s", item), zones: _("Delete zone %(name)s", item), targets: _("Delete target %(name)s", item),
  plan: _("Delete floor plan"), notices: _("Delete notice %(name)s", item),
}[section]);

export function pointName(section, index) {
  if (section === "doors") return [_("One end"), _("Other end"), _("Inside")][index];
  return section === "plan" ? _("Point %(number)s", { number: index + 1 }) : _("Corner %(number)s", { number: index + 1 });
}

export const addCorner = (point) => _("Add a corner after it, %(point)s", { point });
export const removeCorner = (point) => _("Remove %(point)s", { point });
export const coordinate = (point, item, side) => _("%(point)s of %(item)s, %(side)s, in percent", { point, item, side });
export const place = (point, item, [x, y]) => _("%(point)s of %(item)s: %(x)s %% from the left, %(y)s %% from the top",
  { point, item, x: tenths(x), y: tenths(y) });
export const percent = (share) => Math.round(share * 1000) / 10;
const tenths = (share) => number(percent(share), Number.isInteger(percent(share)) ? 0 : 1);

export const nameMissing = (section) => _("A name is missing under “%(section)s”.", { section: TITLES[section] });
export const nameTwice = (name) => _("The name %(name)s is used twice. Doors, zones and targets need different names.", { name });

const SECTION_WORDS = {
  doors: _("doors"), zones: _("zones"), targets: _("targets"), plan: _("floor plan"), notices: _("notices"), camera: _("camera"),
};
export const keys = (names) => names.map((name) => SECTION_WORDS[name] ?? name).join(", ") || _("nothing");

export function answer(change, online) {
  switch (change.answer) {
    case "accepted": return _("In use since %(moment)s.", { moment: moment(change.answered) });
    case "checked": return _("The device has checked it. Places change at closing time; until then it counts as before.");
    case "refused": return _("The device has refused it: %(why)s. It counts as before.",
      { why: change.reason.replace(/^refused: (top level: )?/, "") });
    case "replaced": return _("Replaced by a later change before it was in use.");
    default: return online
      ? _("Sent. The device has not answered yet.")
      : _("Sent. The device is not connected; the broker keeps the change for it.");
  }
}

export function settings(change) {
  if (!change.config) return "";
  return change.before && change.before !== change.config
    ? _("Settings %(before)s before, %(config)s since.", change) : _("Settings %(config)s since.", change);
}

export const moment = (iso) => new Date(iso).toLocaleString(LANGUAGE, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});

export const unsent = (names) => _("Not sent yet: %(sections)s.", { sections: keys(names) });
