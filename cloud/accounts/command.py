"""``footlight-cloud users``, ``tokens`` and ``audit``: the accounts from the command line of the machine itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cloud.accounts.accounts import COMMAND_LINE, Accounts
from cloud.accounts.users import INITIAL_FOR
from cloud.config import load
from cloud.domain.users import ALL_SITES, USER_ROLES
from cloud.stores.store import StoreUnavailable
from common.clock import SystemClock
from common.command_line import add_command, positive
from common.errors import UserError

Act = Callable[[argparse.Namespace, Accounts], None]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``users``, ``tokens`` and ``audit``."""
    users = add_command(commands, "users", "add, list and change the people who may log in to the page")
    actions = users.add_subparsers(required=True, metavar="ACTION")
    add = _action(
        actions, "add", _add_user, "add a user and print the first password, which is shown only now"
    )
    add.add_argument("name", metavar="NAME")
    _rights(add)
    add.add_argument("--first", action="store_true", help="do nothing if there is a user already")
    _action(actions, "list", _list_users, "list all users")
    for name, act, text in (
        ("password", _reset_password, "print a new first password; all sessions of the user end"),
        ("disable", _disable_user, "refuse every login of a user; sessions end, tokens stop working"),
        ("enable", _enable_user, "allow logins again"),
        ("remove", _remove_user, "delete a user with all sessions and access tokens"),
    ):
        _action(actions, name, act, text).add_argument("name", metavar="NAME")

    tokens = add_command(commands, "tokens", "add, list and revoke access tokens for programs")
    actions = tokens.add_subparsers(required=True, metavar="ACTION")
    add = _action(actions, "add", _add_token, "add an access token and print it; it is shown only now")
    add.add_argument("name", metavar="NAME")
    _rights(add)
    add.add_argument("--days", type=positive, default=90, help="how long it lasts, at most 366 (default: 90)")
    _action(actions, "list", _list_tokens, "list all access tokens")
    _action(actions, "revoke", _revoke_token, "delete an access token").add_argument("name", metavar="NAME")

    audit = add_command(commands, "audit", "print who logged in, configured, approved and exported")
    _common(audit, _print_audit)
    audit.add_argument("--most", type=positive, default=100, help="number of lines (default: 100)")


def run(args: argparse.Namespace) -> int:
    """Do what the action says with the accounts; return 0. Raises ``UserError``."""
    with accounts_of(args.config) as accounts:
        args.act(args, accounts)
    return 0


def _add_user(args: argparse.Namespace, accounts: Accounts) -> None:
    if args.first and accounts.users.all():
        return
    password = accounts.add_user(args.name, args.role, args.sites)
    accounts.audit.record(COMMAND_LINE, "user_added", f"{args.name}: {args.role}")
    _print_password(args.name, password)


def _list_users(_args: argparse.Namespace, accounts: Accounts) -> None:
    for account in accounts.users.all():
        state = "disabled" if account.disabled else "first password" if account.initial_until else ""
        title = "" if account.title == account.name else account.title
        print("\t".join((account.name, account.role, _shops(account.sites), state, title)).rstrip())


def _reset_password(args: argparse.Namespace, accounts: Accounts) -> None:
    password = accounts.reset_password(args.name)
    accounts.audit.record(COMMAND_LINE, "password_changed", args.name)
    _print_password(args.name, password)


def _disable_user(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.disable(args.name)
    accounts.audit.record(COMMAND_LINE, "user_disabled", args.name)


def _enable_user(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.users.set_disabled(args.name, disabled=False)
    accounts.audit.record(COMMAND_LINE, "user_enabled", args.name)


def _remove_user(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.users.remove(args.name)
    accounts.audit.record(COMMAND_LINE, "user_removed", args.name)


def _add_token(args: argparse.Namespace, accounts: Accounts) -> None:
    secret = accounts.tokens.add(args.name, args.role, args.sites, timedelta(days=args.days))
    accounts.audit.record(COMMAND_LINE, "token_added", f"{args.name}: {args.role}")
    print(secret)


def _list_tokens(_args: argparse.Namespace, accounts: Accounts) -> None:
    for token in accounts.tokens.all():
        until = f"until {token.expires_at:%Y-%m-%d}"
        print("\t".join((token.name, token.role, _shops(token.sites), until, token.owner or COMMAND_LINE)))


def _revoke_token(args: argparse.Namespace, accounts: Accounts) -> None:
    accounts.tokens.revoke(args.name)
    accounts.audit.record(COMMAND_LINE, "token_revoked", args.name)


def _print_audit(args: argparse.Namespace, accounts: Accounts) -> None:
    """Print the newest lines of the audit log, the oldest of them first."""
    for entry in reversed(accounts.audit.newest(args.most)):
        print("\t".join((f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.who, entry.act, entry.about, entry.address)))


@contextmanager
def accounts_of(config: Path) -> Iterator[Accounts]:
    """Open the accounts of these settings. Raises ``UserError``."""
    settings = load(config)
    chosen = settings.accounts
    accounts = Accounts(
        settings.accounts_file(),
        SystemClock(),
        idle=timedelta(hours=chosen.idle_hours),
        longest=timedelta(days=chosen.longest_days),
    )
    try:
        yield accounts
    except StoreUnavailable as error:
        raise UserError(f"{error}; try again, or free some space on the disk") from None
    finally:
        accounts.close()


def _print_password(name: str, password: str) -> None:
    print(
        f"{name}: the first password is {password}\n"
        f"It is shown only now, works for {INITIAL_FOR.days} days, and must be changed at the first login."
    )


def _shops(sites: frozenset[str]) -> str:
    return "all shops" if ALL_SITES in sites else ", ".join(sorted(sites)) or "-"


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, act: Act, text: str
) -> argparse.ArgumentParser:
    parser = add_command(actions, name, text)
    _common(parser, act)
    return parser


def _common(parser: argparse.ArgumentParser, act: Act) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML settings")
    parser.set_defaults(command=run, act=act)


def _rights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", choices=USER_ROLES, required=True)
    sites = parser.add_mutually_exclusive_group(required=True)
    sites.add_argument(
        "--site", dest="sites", action="append", metavar="SITE", help="a shop; may be repeated"
    )
    sites.add_argument(
        "--all-sites", dest="sites", action="store_const", const=[ALL_SITES], help="every shop"
    )
