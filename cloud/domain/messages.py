"""Sentences that the page shows in the language of its reader; in a log or on the command line they stay English.

A message is marked where it is written, with the names that gettext tools look for::

    from cloud.domain.messages import gettext as _, ngettext
    raise UserError(_("There is no user %(name)s.", name=name))

It is an ordinary ``str`` with the English sentence. :meth:`cloud.web.languages.Language.says` translates it. In a
message, ``%%`` is a percent sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

_NOTHING: Mapping[str, object] = {}


class Message(str):
    """An English sentence that remembers from what it was made, so that it can be said in another language."""

    __slots__ = ("many", "n", "one", "values")

    one: str
    """The sentence before its values are filled in; for one thing, if there is a plural."""
    many: str
    """The same for several things; empty if there is no plural."""
    n: int
    values: Mapping[str, object]

    def __new__(
        cls,
        english: str,
        one: str = "",
        many: str = "",
        n: int = 1,
        values: Mapping[str, object] = _NOTHING,
    ) -> Self:
        """Create it; use :func:`gettext` and :func:`ngettext`."""
        made = super().__new__(cls, english)
        made.one, made.many, made.n, made.values = one, many, n, values
        return made


class Percent(float):
    """A share as a value of a message, written in percent; 1.0 is all."""

    def __str__(self) -> str:
        return f"{self:.0%}"


def noop(text: str) -> str:
    """Mark a text, as ``N_("...")``, that becomes a message later, when its values are known."""
    return text


def gettext(text: str, /, **values: object) -> Message:
    """Return the message with its values, each written in ``text`` as ``%(name)s``."""
    return Message(text % values, text, values=values)


def ngettext(one: str, many: str, count: int, /, **values: object) -> Message:
    """Return the message for ``count`` things, which both sentences may write as ``%(count)s``."""
    named = {"count": count, **values}
    return Message((one if count == 1 else many) % named, one, many, count, named)
