// The page as an app: its service worker, and the button that lets the notices of this shop ring on this device.
// A module, so that live.js can load it when the page is drawn.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function turnOn(registration, key) {
  if (await Notification.requestPermission() !== "granted") {
    return _("This browser does not allow notifications of this page. You can change that in its settings.");
  }
  const old = await registration.pushManager.getSubscription();
  if (old && text64(old.options.applicationServerKey) !== key) await old.unsubscribe(); // of another server
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  return send(element("phone").dataset.push, {
    endpoint: made.endpoint, key: text64(made.getKey("p256dh")), secret: text64(made.getKey("auth")),
  });
}

function drawPhone(on) {
  element("phone").querySelector(".says").textContent = on ? _("Notices of this shop ring here until you log out.")
    : _("Let notices of this shop ring on this device.");
  element("phone").querySelector("button").textContent = on ? _("Turn off") : _("Turn on");
  element("phone").classList.remove("waiting");
}

async function offerPush(registration) {
  const answer = await fetch(element("phone").dataset.push, { cache: "no-store" });
  if (!answer.ok) return;
  const { key, on } = await answer.json();
  const button = element("phone").querySelector("button");
  let rings = on && Notification.permission === "granted" && await registration.pushManager.getSubscription() !== null;
  if (rings) await turnOn(registration, key); // a browser may have changed its address
  drawPhone(rings);
  button.addEventListener("click", async () => {
    button.disabled = true;
    let said = null;
    try {
      said = rings ? await send(element("phone").dataset.pushOff, {}) : await turnOn(registration, key);
    } catch {
      said = _("The push service of this browser cannot be reached.");
    }
    if (said === null) rings = !rings;
    drawPhone(rings);
    if (said !== null) element("phone").querySelector(".says").textContent = said;
    button.disabled = false;
  });
}

// Only over HTTPS, or on this machine, does a browser know service workers.
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register(element("main").dataset.worker).then(async () => {
    if ("PushManager" in window && element("phone")) await offerPush(await navigator.serviceWorker.ready);
  }).catch(() => {}); // the page works without
}
