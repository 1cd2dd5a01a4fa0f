// The count check: somebody at a door taps who comes in and goes out. Every tap is kept in this browser until the server
// has confirmed it, so a reload or a lost connection loses none. cloud/web/check_page.py describes what is sent.
"use strict";

const MOST_AT_ONCE = 500;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30000;
const LOOK_AGAIN_MS = 5000;
const element = (id) => document.getElementById(id);
const { site, api, token, shortest, longest } = element("main").dataset;
const KEY = `footlight-count-check/${site}`;
const CHECK = { now: read(), sending: false, retry: FIRST_RETRY_MS, again: 0, awake: null };

// What is kept: {id, title, began, taps: [[number, after_ms, what]], kept, ended}. ``began`` is the start by the clock of
// this browser, ``kept`` how many taps the server has, ``ended`` null while somebody taps.
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function save() {
  if (CHECK.now) localStorage.setItem(KEY, JSON.stringify(CHECK.now));
  else localStorage.removeItem(KEY);
}

function say(sentence) {
  Object.assign(element("banner"), { textContent: sentence, hidden: !sentence });
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST", body: JSON.stringify(body), headers: { "x-csrf-token": token, "content-type": "application/json" },
  });
  return { status: answer.status, ok: answer.ok, told: await answer.json() };
}

// Taps that were not taken back, as "entry" and "exit", in order.
function standing() {
  return CHECK.now.taps.reduce((left, [, , what]) => (what === "undo" ? left.slice(0, -1) : [...left, what]), []);
}

const passed = () => Math.max(0, Date.now() - CHECK.now.began);

async function start(event) {
  event.preventDefault();
  const form = event.target;
  const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const sent = Date.now();
  form.querySelector("button").disabled = true;
  try {
    const { ok, told } = await post(api, { id, door: form.door.value, light: form.light.value });
    if (ok) {
      const began = (sent + Date.now()) / 2 - told.elapsed_ms;
      CHECK.now = { id, title: form.door.selectedOptions[0].textContent, began, taps: [], kept: 0, ended: null };
      save();
      say("");
    } else say(told.error);
  } catch {
    say(_("The server does not answer. A check can begin only with a connection; afterwards it needs none."));
  }
  form.querySelector("button").disabled = false;
  draw();
  if (CHECK.now) element("entry").focus();
}

function tap(what) {
  if (!CHECK.now || CHECK.now.ended !== null || (what === "undo" && !standing().length)) return;
  CHECK.now.taps.push([CHECK.now.taps.length, Math.round(passed()), what]);
  save();
  navigator.vibrate?.(15);
  draw();
  const told = standing();
  element("said").textContent = _("%(entries)s in, %(exits)s out", { entries: many(told, "entry"), exits: many(told, "exit") });
  send();
}

const many = (told, what) => told.filter((one) => one === what).length;

function finish() {
  CHECK.now.ended = Math.min(Math.round(passed()), longest * 1000);
  save();
  draw();
  send();
}

async function discard() {
  if (!confirm(_("Throw this check away, with all its taps?"))) return;
  const fields = new URLSearchParams({ check: CHECK.now.id });
  try {
    const answer = await fetch(element("main").dataset.delete, { method: "POST", body: fields, headers: { "x-csrf-token": token } });
    if (!answer.ok && answer.status !== 404) throw answer;
    CHECK.now = null;
    save();
    await look();
  } catch {
    say(_("The server does not answer. Try again when there is a connection."));
  }
  draw();
}

// Sends what the server does not have; again and again until it has all.
async function send() {
  if (!CHECK.now || CHECK.sending) return;
  clearTimeout(CHECK.again);
  const of = CHECK.now;
  const taps = of.taps.slice(of.kept, of.kept + MOST_AT_ONCE);
  const last = of.kept + taps.length === of.taps.length;
  if (!taps.length && of.ended === null) return;
  CHECK.sending = true;
  const before = of.kept;
  let wrong = "";
  try {
    const { ok, status, told } = await post(`${api}/${of.id}`, { taps, ended_ms: last ? of.ended : null });
    if (ok) {
      of.kept = told.kept;
      if (last && of.ended !== null && of.kept >= of.taps.length) CHECK.now = null;
      save();
    } else {
      wrong = status === 401 ? _("Your login has ended. Load this page again and log in: the taps are kept on this device.") : told.error;
    }
  } catch {
    wrong = _("No connection. Go on: the taps are kept on this device, and sent later.");
  }
  CHECK.sending = false;
  say(wrong);
  draw();
  if (!CHECK.now) {
    look();
  } else if (wrong || of.kept <= before) {
    CHECK.again = setTimeout(send, CHECK.retry);
    CHECK.retry = Math.min(2 * CHECK.retry, LONGEST_RETRY_MS);
  } else {
    CHECK.retry = FIRST_RETRY_MS;
    send();
  }
}

// Loads the results again, while the counts of the device are on their way.
async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("results");
      if (fresh && fresh.innerHTML !== element("results").innerHTML) element("results").replaceWith(document.adoptNode(fresh));
    }
  } catch { /* the next look may succeed */ }
  if ("waiting" in element("results").dataset) setTimeout(look, LOOK_AGAIN_MS);
}

function draw() {
  const of = CHECK.now;
  element("choose").hidden = of !== null;
  element("tapping").hidden = of === null;
  if (!of) {
    CHECK.awake?.release();
    CHECK.awake = null;
    return;
  }
  const told = standing();
  const over = of.ended !== null;
  element("tapping-title").textContent = of.title;
  element("entries").textContent = number(many(told, "entry"));
  element("exits").textContent = number(many(told, "exit"));
  element("entry").disabled = element("exit").disabled = over;
  element("undo").disabled = over || !told.length;
  const waiting = of.taps.length - of.kept;
  element("stored").textContent = waiting ? ngettext("%(count)s tap is not stored yet.", "%(count)s taps are not stored yet.", waiting)
    : over ? _("Storing …") : _("All taps are stored.");
  clock();
}

function clock() {
  if (!CHECK.now) return;
  const seconds = Math.floor((CHECK.now.ended ?? passed()) / 1000);
  if (seconds >= longest && CHECK.now.ended === null) finish();
  element("time").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  element("enough").textContent = seconds < shortest ? _("of at least %(minutes)s minutes", { minutes: shortest / 60 })
    : _("enough; the longer, the surer");
  element("finish").disabled = seconds < shortest || CHECK.now.ended !== null;
}

// A phone that sleeps takes no taps. Only over HTTPS does a browser stay awake for a page.
async function stayAwake() {
  if (!CHECK.now || CHECK.awake || document.hidden || !navigator.wakeLock) return;
  try {
    CHECK.awake = await navigator.wakeLock.request("screen");
    CHECK.awake.addEventListener("release", () => { CHECK.awake = null; });
  } catch { /* the phone saves power */ }
}

const KEYS = { ArrowUp: "entry", ArrowDown: "exit", Backspace: "undo" };
document.addEventListener("keydown", (event) => {
  const what = KEYS[event.key];
  if (!what || !CHECK.now || CHECK.now.ended !== null || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  tap(what);
});
for (const what of ["entry", "exit", "undo"]) element(what).addEventListener("click", () => tap(what));
element("finish").addEventListener("click", finish);
element("discard").addEventListener("click", discard);
element("choose").querySelector("form")?.addEventListener("submit", start);
addEventListener("online", send);
addEventListener("storage", (event) => { // another tab of this browser tapped
  if (event.key !== KEY) return;
  CHECK.now = read();
  draw();
});
document.addEventListener("visibilitychange", stayAwake);
setInterval(() => { clock(); stayAwake(); }, 1000);
draw();
send();
if ("waiting" in element("results").dataset) setTimeout(look, LOOK_AGAIN_MS);
