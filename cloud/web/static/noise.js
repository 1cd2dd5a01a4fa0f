// Writes the verdicts of today that were told with noise, for page.js; those of other days are in period_noise.html.
"use strict";

const NOISY = { gender: _("Gender"), age_band: _("Age"), expression: _("Expression") };

// Returns whether what a panel would show was told with noise, which it does not show.
function toldWithNoise(panel, day) {
  return Boolean(day.noise?.lists[{ ages: "gender", expressions: "expression" }[panel]]);
}

function noise(day) {
  const told = day.noise;
  element("noise").hidden = !told;
  if (!told) return;
  element("noise").querySelector("div").replaceChildren(...Object.entries(told.lists).map(([attribute, { visits: all, counts }]) =>
    fillTable(node("table"), [NOISY[attribute], _("Share"), _("Range")], counts.map((one) => [
      word(one.label), percent(one.visits / all), _("%(low)s to %(high)s", { low: percent(one.low / all), high: percent(one.high / all) }),
    ]))));
  element("noise").querySelector(".notes").textContent = [
    ngettext("Based on %(count)s visit.", "Based on %(count)s visits.", told.visits),
    _("The device has added random noise to these numbers before it told them, so that they tell little of any single visit. "
      + "The true share lies in the range in about 19 of 20 cases, as far as noise is concerned. Of one day, most may be noise: "
      + "the pages of weeks and months tell more."),
    ...Object.entries(told.budgets).map(([budget, days]) => ngettext("Budget of each visit, each day: %(budget)s (%(count)s day).",
      "Budget of each visit, each day: %(budget)s (%(count)s days).", days, { budget: number(Number(budget), 2) })),
  ].join(" ");
}
