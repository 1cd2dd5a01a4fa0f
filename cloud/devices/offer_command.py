"""``footlight-cloud offers``: draft what a display shows, and approve it, from the command line of the machine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cloud.accounts.accounts import COMMAND_LINE, Accounts
from cloud.accounts.command import accounts_of
from cloud.config import load
from cloud.devices.broker_link import BrokerLink
from cloud.devices.change_file import ChangeFile, ChangesUnavailable
from cloud.devices.changes import Changes, NotPossible, NotSent
from cloud.devices.offers import Draft, Offers
from cloud.domain.users import Act
from common.clock import SystemClock
from common.command_line import add_command
from common.errors import UserError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``offers``."""
    parser = add_command(
        commands, "offers", "draft what a display shows, and approve what somebody else drafted"
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    for name, text in (
        ("list", "list the drafts of a shop"),
        ("draft", "keep a programme until somebody else approves it"),
        ("approve", "send a draft to its device"),
        ("decline", "take a draft back"),
    ):
        action = add_command(actions, name, text)
        action.add_argument("--config", type=Path, required=True, metavar="FILE", help="settings of the page")
        action.add_argument("--site", required=True)
        if name != "list":
            action.add_argument("--by", required=True, metavar="USER", help="who does it: a user of the page")
        if name == "draft":
            action.add_argument("--device", required=True)
            action.add_argument(
                "programme", type=Path, metavar="PROGRAMME", help="YAML: clips, rules, rotation"
            )
        if name in ("approve", "decline"):
            action.add_argument("number", type=int, metavar="NUMBER", help="of the draft, see list")
        if name == "approve":
            action.add_argument(
                "--configure", type=Path, required=True, metavar="FILE", help="settings with the broker"
            )
        action.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Do what the action says; return 0. Raises ``UserError``."""
    with _offers(args) as offers, accounts_of(args.config) as accounts:
        try:
            if args.action == "list":
                for draft in offers.of(args.site):
                    print(_line(draft))
                return 0
            _check_user(accounts, args.by, args.site)
            draft, about = _act(args, offers)
        except (NotPossible, NotSent) as error:
            raise UserError(str(error.args[0])) from None
        except ChangesUnavailable as error:
            raise UserError(f"{error}; try again") from None
        act: Act = "approved" if args.action == "approve" else "configured"
        accounts.audit.record(COMMAND_LINE, act, f"{about} of {draft.device} in {args.site}, by {args.by}")
        print(_line(draft))
    return 0


def _act(args: argparse.Namespace, offers: Offers) -> tuple[Draft, str]:
    if args.action == "draft":
        try:
            text = args.programme.read_text(encoding="utf-8")
            return offers.draft(args.site, args.device, text, who=args.by), "drafted the display"
        except (OSError, UnicodeError) as error:
            raise UserError(f"{args.programme}: cannot be read ({type(error).__name__})") from None
        except UserError as error:
            raise UserError(f"{args.programme}: {error}") from None
    if args.action == "approve":
        return offers.approve(args.site, args.number, who=args.by), f"draft {args.number} for the display"
    return offers.decline(
        args.site, args.number, who=args.by
    ), f"declined draft {args.number} for the display"


def _check_user(accounts: Accounts, name: str, site: str) -> None:
    user = accounts.named_user(name)
    if user is None or not user.may("offers") or not user.sees(site):
        raise UserError(
            f"--by {name}: is no user who may work with offers of {site}; see 'footlight-cloud users list'"
        )


@contextmanager
def _offers(args: argparse.Namespace) -> Iterator[Offers]:
    clock = SystemClock()
    broker = load(args.configure if args.action == "approve" else args.config).mqtt.broker()
    with closing(ChangeFile(load(args.config).changes_file())) as file:
        yield Offers(file, Changes(file, BrokerLink(broker, clock), clock), clock)


def _line(draft: Draft) -> str:
    decided = f"by {draft.decided_by}" if draft.decided_by else ""
    return "\t".join((str(draft.number), draft.device, draft.state, draft.who, decided)).rstrip()
