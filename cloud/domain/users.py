"""People who use the page or the API: the role of a user, and what each role may do.

A camera has a role, too (``cloud.domain.chain``), so the role of a person is called :data:`UserRole` in the code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

UserRole = Literal["viewer", "manager", "installer", "hq"]
USER_ROLES: Final[tuple[UserRole, ...]] = get_args(UserRole)
"""From the fewest permissions to the most; each role may also do what the roles before it may."""

Permission = Literal[
    "numbers",  # see figures, devices and notices of the own sites
    "till",  # tell what the till sold
    "exports",  # take figures away as a file
    "acknowledge",  # answer notices
    "offers",  # write and approve offers
    "count_check",  # compare a count by hand with the camera's
    "placement",  # check the position of a camera
    "configure",  # change zones, doors, targets, plans, devices and other settings
    "accounts",  # add and change users and access tokens
    "audit",  # read who did what
    "all_sites",  # see every site, and views of the whole chain
]

_ADDED: Final[dict[UserRole, frozenset[Permission]]] = {
    "viewer": frozenset({"numbers"}),
    "manager": frozenset({"till", "exports", "acknowledge", "offers", "count_check"}),
    "installer": frozenset({"placement", "configure", "accounts", "audit"}),
    "hq": frozenset({"all_sites"}),
}

PERMISSIONS: Final[dict[UserRole, frozenset[Permission]]] = {
    role: frozenset().union(*(_ADDED[below] for below in USER_ROLES[: place + 1]))
    for place, role in enumerate(USER_ROLES)
}

ALL_SITES: Final = "*"
"""Stands for every site in :attr:`User.sites`."""


Act = Literal[
    "login",
    "login_failed",
    "login_locked",
    "logout",
    "logout_everywhere",
    "password_changed",
    "user_added",
    "user_changed",
    "user_disabled",
    "user_enabled",
    "user_removed",
    "token_added",
    "token_revoked",
    "configured",
    "approved",
    "acknowledged",
    "exported",
    "till_corrected",
    "count_check_made",
    "count_check_deleted",
]
"""What the audit log records."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is logged in, or a program with an access token."""

    name: str
    role: UserRole
    sites: frozenset[str] = field(default_factory=frozenset)
    """Names of the sites that the user may see; :data:`ALL_SITES` means all. A user of HQ always sees all."""
    must_change_password: bool = False
    """Whether the user still has a generated password, with which only the password can be changed."""
    is_token: bool = False
    """Whether this is a program with an access token, which never changes accounts."""
    language: str = ""
    """The code of the language that the user chose; empty for that of the browser."""
    title: str = ""
    """What people call the user; empty if that is the name."""

    def may(self, permission: Permission) -> bool:
        """Tell whether the user has ``permission``."""
        return permission in PERMISSIONS[self.role]

    def sees(self, site: str) -> bool:
        """Tell whether the user may see ``site``."""
        return self.sees_all or site in self.sites

    @property
    def sees_all(self) -> bool:
        """Whether the user may see every site."""
        return ALL_SITES in self.sites or self.may("all_sites")

    def of(self, sites: Iterable[str]) -> list[str]:
        """Return those of ``sites`` that the user may see, in the same order."""
        return [site for site in sites if self.sees(site)]


def reads(user: User | None, site: str) -> bool:
    """Tell whether somebody may see the figures and notices of ``site`` now."""
    return user is not None and not user.must_change_password and user.may("numbers") and user.sees(site)


def both(user: User, other: User) -> User:
    """Return ``user`` with no more permissions and sites than ``other`` has."""
    role = min(user.role, other.role, key=USER_ROLES.index)
    if user.sees_all:
        sites = frozenset({ALL_SITES}) if other.sees_all else other.sites
    else:
        sites = user.sites if other.sees_all else user.sites & other.sites
    return replace(user, role=role, sites=sites)


def may_give(giver: User, role: UserRole, sites: Iterable[str]) -> bool:
    """Tell whether ``giver`` may give ``role`` and ``sites`` to a user or a token: nobody gives more than they have."""
    given = frozenset(sites)
    every = role == "hq" or ALL_SITES in given
    within = giver.sees_all if every else all(giver.sees(site) for site in given)
    return within and PERMISSIONS[role] <= PERMISSIONS[giver.role]


def roles_to_give(giver: User) -> list[UserRole]:
    """Return the roles that ``giver`` may give for the own sites."""
    return [role for role in USER_ROLES if may_give(giver, role, giver.sites)]
