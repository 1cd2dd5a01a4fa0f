// The notices for staff on the page of today. Who may do so says with a button that he or she takes care of one.
"use strict";

function notices(day) {
  const told = day.notices.map((notice) => [
    _("Now: %(text)s, since %(moment)s", { text: notice.text, moment: moment(notice.since, day.date) }),
    notice.acknowledged && _("%(who)s takes care of it", notice.acknowledged),
  ].filter(Boolean).join("; "));
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
