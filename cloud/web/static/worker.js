// The service worker: keeps the look of the page, never a figure, and shows notices. ``FOOTLIGHT`` is added in front.
"use strict";

const KEPT = `footlight-${FOOTLIGHT.version}`;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT)
    .then((kept) => kept.addAll([FOOTLIGHT.offline, ...FOOTLIGHT.shell].map((path) => new Request(path, { cache: "reload" }))))
    .then(() => skipWaiting())); // nothing kept is mixed with what the server sends, so there is nothing to wait for
});

addEventListener("activate", (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => name.startsWith("footlight-") && name !== KEPT).map((name) => caches.delete(name))))
    .then(() => clients.claim()));
});

// The server first, always. Without a connection, a page says so; its look is what was kept.
addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(FOOTLIGHT.offline)));
  } else if (FOOTLIGHT.shell.includes(path)) {
    event.respondWith(fetch(request).catch(() => caches.match(path)));
  }
});

addEventListener("push", (event) => {
  const { title, text, tag, path } = event.data.json();
  event.waitUntil(registration.showNotification(title, {
    body: text, tag, renotify: true, icon: FOOTLIGHT.icon, data: new URL(path, registration.scope).href,
  }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.matchAll({ type: "window" }).then((open) => {
    const page = open.find((one) => one.url === event.notification.data);
    return page ? page.focus() : clients.openWindow(event.notification.data);
  }));
});
