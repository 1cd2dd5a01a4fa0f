// Draws what the till told of today, for page.js.
"use strict";

// A share with one digit behind the point; other figures with two, unless they are large.
function amount(value, unit) {
  if (unit === "%") return `${number(100 * value, 1)}\u00a0%`;
  const digits = Number.isInteger(value) || Math.abs(value) >= 1000 ? 0 : 2;
  return unit ? `${number(value, digits)}\u00a0${unit}` : number(value, digits);
}

function till(day) {
  const told = day.till;
  element("till").hidden = !told;
  if (!told) return;
  const counts = [
    [_("Sales"), told.transactions, ""], [_("Turnover"), told.turnover, told.currency],
    [_("Items"), told.items, ""], [_("Staff hours"), told.staff_hours, "h"],
  ].filter(([, value]) => value !== null).map(([title, value, unit]) => entry(title, amount(value, unit), ""));
  const metrics = told.metrics.filter((one) => !one.refused).map((one) => entry(one.title, amount(one.value, one.unit),
    one.low === null ? "" : _("%(low)s to %(high)s", { low: amount(one.low, one.unit), high: amount(one.high, one.unit) })));
  element("till").querySelector("dl").replaceChildren(...counts, ...metrics);
  // Several figures cannot be told for the same reason.
  const reasons = [...new Set(told.metrics.map((one) => one.refused).filter(Boolean))];
  element("till").querySelector("ul").replaceChildren(...reasons.map((why) => node("li", _("%(figures)s: cannot be told: %(why)s.",
    { figures: told.metrics.filter((one) => one.refused === why).map((one) => one.title).join(", "), why }))));
  element("till").querySelector(".notes").textContent = _("Up to %(time)s, as the till told it. Below a figure is the range in which it lies in 19 of 20 cases; sales count for the share of the time in which the door was watched.", { time: clock(told.until) });
}

function entry(title, value, says) {
  const part = node("div");
  part.append(node("dt", title), node("dd", value, "value"));
  if (says) part.append(node("dd", says, "says"));
  return part;
}
