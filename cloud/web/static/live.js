// Keeps the page of today up to date: by a stream of events, or by asking now and then where there is none. And shows
// the notices for staff: who may do so says with a button that he or she takes care of one.
// A page that nobody sees has no stream: a browser opens only six connections to one server.
"use strict";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const STEADY_MS = 5000; // a stream that breaks off sooner is none
const SILENT_MS = 30000; // the server says something every ten seconds
const LIVE = { source: null, seen: "", shown: null, fault: false, wait: FIRST_WAIT_MS, again: 0, silent: 0 };

function timeInShop(timeZone) {
  return new Intl.DateTimeFormat(LANGUAGE, { timeStyle: "medium", timeZone }).format(new Date());
}

function notices(day) {
  const told = day.notices.map((notice) => {
    const said = { text: notice.text, moment: moment(notice.since, day.date), who: notice.acknowledged?.who };
    return notice.acknowledged ? _("Now: %(text)s, since %(moment)s; %(who)s takes care of it", said)
      : _("Now: %(text)s, since %(moment)s", said);
  });
  if (told.join("\n") === element("notices").dataset.told) return; // a screen reader would read them again
  element("notices").dataset.told = told.join("\n");
  element("notices").replaceChildren(...day.notices.map((notice, at) => {
    const line = node("div", "", "banner");
    line.append(node("p", told[at]));
    if (element("notices").dataset.acknowledge && !notice.acknowledged) line.append(careButton(notice, line));
    return line;
  }));
}

function careButton(notice, line) {
  const button = Object.assign(node("button", _("I take care of it")), { type: "button" });
  button.setAttribute("aria-label", _("I take care of it: %(text)s", notice));
  button.addEventListener("click", async () => {
    button.disabled = true;
    const said = await send(element("notices").dataset.acknowledge, { device: notice.device, name: notice.name });
    if (said === null) button.remove(); // the next answer says who takes care of it
    else line.querySelector("p").textContent = said;
    button.disabled = false;
    element("main").focus();
  });
  return button;
}

// Sends a form of this page; returns null, or a sentence that says why it was not accepted.
async function send(path, fields) {
  try {
    const answer = await fetch(path, {
      method: "POST", body: new URLSearchParams(fields), headers: { "x-csrf-token": element("main").dataset.token },
    });
    if (answer.ok) return null;
    return (await answer.json()).error;
  } catch {
    return _("The shop's Footlight box does not answer. Try again.");
  }
}

// How up to date the page is. ``text`` is the answer; null if there is none, undefined if the last one still holds.
function state(text, streaming) {
  const live = element("live");
  if (text === undefined && (LIVE.fault || !LIVE.shown)) return;
  if (text === null) {
    banner(live.dataset.at ? _("The shop's Footlight box does not answer. These figures are from %(time)s.", { time: live.dataset.at })
      : _("The shop's Footlight box does not answer. No figures have been received yet."));
  } else {
    if (text && (text !== LIVE.shown || LIVE.fault)) show(JSON.parse(text));
    if (!LIVE.shown) import(element("main").dataset.phone); // later than the figures, which somebody waits for
    LIVE.shown = text ?? LIVE.shown;
    element("main").removeAttribute("data-waiting");
    live.dataset.at = timeInShop(JSON.parse(LIVE.shown).timezone);
  }
  LIVE.fault = text === null;
  live.querySelector(".text").textContent = LIVE.fault ? _("not connected")
    : streaming ? _("live, %(time)s", { time: live.dataset.at }) : _("as of %(time)s", { time: live.dataset.at });
  live.querySelector(".dot").className = `dot ${LIVE.fault ? "bad" : streaming ? "good" : ""}`;
}

function listen() {
  clearTimeout(LIVE.again);
  if (LIVE.source || document.hidden) return;
  const source = new EventSource(`${element("main").dataset.events}?${new URLSearchParams({ seen: LIVE.fault ? "" : LIVE.seen })}`);
  const opened = performance.now();
  const heard = (text) => {
    if (performance.now() - opened > STEADY_MS) LIVE.wait = FIRST_WAIT_MS;
    clearTimeout(LIVE.silent);
    LIVE.silent = setTimeout(lost, SILENT_MS);
    state(text, true);
  };
  source.addEventListener("today", (event) => {
    heard(event.data);
    LIVE.seen = event.lastEventId;
  });
  source.addEventListener("alive", () => heard(undefined));
  source.addEventListener("unavailable", () => heard(null));
  source.addEventListener("over", () => location.reload()); // the login has ended: the way to it
  source.onerror = lost; // its own way to connect again knows no back-off
  LIVE.source = source;
  LIVE.silent = setTimeout(lost, SILENT_MS);
}

function hangUp() {
  LIVE.source?.close();
  LIVE.source = null;
  clearTimeout(LIVE.silent);
  clearTimeout(LIVE.again);
}

async function lost() {
  hangUp();
  LIVE.again = setTimeout(listen, LIVE.wait * (0.5 + Math.random()));
  LIVE.wait = Math.min(2 * LIVE.wait, LONGEST_WAIT_MS);
  let text = null;
  try {
    const answer = await fetch(element("main").dataset.api, { cache: "no-store" });
    if (answer.ok) text = await answer.text();
    else if (answer.status === 401) location.reload();
  } catch { /* no response: text stays null */ }
  if (!LIVE.source || text === null) state(text, false);
}

// Only over HTTPS, or on this machine, can a browser ring. Said before anything is drawn, so that nothing jumps.
if (element("phone") && !("PushManager" in window)) element("phone").hidden = true;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (LIVE.shown) show(JSON.parse(LIVE.shown)); });
document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : listen()));
addEventListener("pagehide", hangUp);
addEventListener("pageshow", listen);
