// Says things in the language of the reader, for all other scripts. WORDS and PLURAL come from the catalogue of this
// language, cloud/web/catalogue; `make messages` collects what is written as _("...") and ngettext("...", "...").
"use strict";

const LANGUAGE = document.documentElement.lang;
const number = (value, digits = 0) => value.toLocaleString(LANGUAGE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (share) => share.toLocaleString(LANGUAGE, { style: "percent" });
const dateWith = (options) => (iso) => new Intl.DateTimeFormat(LANGUAGE, { timeZone: "UTC", ...options }).format(new Date(iso.slice(0, 10)));
const date = dateWith({ day: "numeric", month: "short", year: "numeric" });
const fullDate = dateWith({ dateStyle: "full" });

// Fills in the values, each written in the message as %(name)s; %% is a percent sign.
function filled(text, values) {
  return text.replace(/%%|%\((\w+)\)s/g, (found, name) => {
    if (!name) return "%";
    return typeof values[name] === "number" ? number(values[name]) : values[name];
  });
}

function _(text, values = {}) {
  return filled(WORDS[text] ?? text, values);
}

function ngettext(one, many, count, values = {}) {
  const forms = WORDS[one] ?? [one, many];
  return filled(forms[PLURAL(count)], { count, ...values });
}
