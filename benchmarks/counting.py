"""``python -m benchmarks.counting``: visits of the busy scene against its truth, seed by seed.

Only frames count in which the product found the person: between them it guesses where a track is.
A visit is **mixed** if two people each hold its track for more than a fifth of the frames in which it is on somebody.
A person is **split** if two visits each hold the person for more than a fifth of the frames in which anybody does.
A visit that is on nobody for at least half of its frames is **false**, and named by what it is on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import seeds
from benchmarks.following import Played, on_what, on_whom, play
from benchmarks.pictures import annotated, save
from benchmarks.seeds import Json
from common.errors import UserError
from edge.config import Settings
from edge.scene.busy import busy_scene
from edge.scene.render import Scene
from edge.service.build import load_models

SHARE = 0.2


def compare(scene: Scene, played: Played) -> Json:
    """Compare what the product counted with the truth of the scene."""
    truth = scene.truth
    holders: dict[int, Counter[int]] = defaultdict(Counter)  # frames by track and person
    elsewhere: dict[int, Counter[str]] = defaultdict(Counter)  # frames by track and thing
    for held, people in zip(played.frames, truth.people, strict=True):
        confirmed = [one for one in held if one.confirmed and one.seen]
        lies_on = on_whom(confirmed, people)
        for one in confirmed:
            if one.track_id in lies_on:
                holders[one.track_id][lies_on[one.track_id]] += 1
            else:
                elsewhere[one.track_id][on_what(one.head, scene.decoys)] += 1
    visits = [counted.track_id for counted in played.visits]
    false = [
        elsewhere[visit].most_common(1)[0][0] if elsewhere[visit] else "nothing"
        for visit in visits
        if elsewhere[visit].total() >= holders[visit].total()
    ]
    owners = by_person(holders, visits)
    acts = {visit.person: scene.walks[visit.person].act for visit in truth.visits}
    return {
        "seed": scene.seed,
        "people": len(truth.visits),
        "visits": len(visits),
        "described": sum(counted.described for counted in played.visits),
        "missed": sorted(acts[person] for person in acts if person not in owners),
        "mixed": sum(len(large(holders[visit])) > 1 for visit in visits),
        "split": sorted(acts[person] for person in owners if len(large(owners[person])) > 1),
        "false": dict(Counter(false)),
    }


def by_person(holders: Mapping[int, Counter[int]], visits: Sequence[int]) -> dict[int, Counter[int]]:
    """Return the frames in which each visit holds a person, by person and visit."""
    owners: dict[int, Counter[int]] = defaultdict(Counter)
    for visit in visits:
        for person, frames in holders[visit].items():
            owners[person][visit] += frames
    return owners


def large(counts: Counter[int]) -> list[int]:
    """Return the keys with more than the least share of all."""
    return [key for key, count in counts.items() if count > SHARE * counts.total()]


def run_seed(seed: int, size: tuple[int, int], pictures: Path | None, video: Path | None) -> Json:
    """Play one seed and compare. With ``pictures``, save its worst moments there, with ``video`` the whole scene."""
    cv2.setNumThreads(1)
    settings = Settings()
    settings = settings.model_copy(update={"detection": settings.detection.model_copy(update={"threads": 1})})
    scene = busy_scene(seed, *size)
    played = play(scene.frames(), scene.fps, settings, load_models(settings))
    result = compare(scene, played)
    if pictures is not None:
        save(scene, played, pictures)
    if video is not None:
        writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), scene.fps, size)
        for index in range(len(scene)):
            writer.write(annotated(scene, played, index))
        writer.release()
    return result


def in_sum(results: Sequence[Json]) -> Json:
    """Add up the seeds."""
    people, visits = sum(each["people"] for each in results), sum(each["visits"] for each in results)
    mixed, split = sum(each["mixed"] for each in results), sum(len(each["split"]) for each in results)
    return {
        "people": people,
        "visits": visits,
        "off_percent": round(100 * (visits - people) / people, 1),
        "described": sum(each["described"] for each in results),
        "mixed": mixed,
        "split": split,
        "mixed_or_split_percent": round(100 * (mixed + split) / visits, 1) if visits else None,
        "missed": dict(Counter(act for each in results for act in each["missed"]).most_common()),
        "split_by_act": dict(Counter(act for each in results for act in each["split"]).most_common()),
        "false": dict(sum((Counter(each["false"]) for each in results), Counter())),
    }


def tables(results: Sequence[Json], size: str) -> Iterator[Table]:
    shown = Table(title=f"{size}: visits of the busy scene", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("seed", "people", "visits", "described", "missed", "mixed", "split", "false"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for each in results:
        shown.add_row(
            str(each["seed"]),
            str(each["people"]),
            str(each["visits"]),
            str(each["described"]),
            str(len(each["missed"])),
            str(each["mixed"]),
            str(len(each["split"])),
            _listed(each["false"]),
        )
    total = in_sum(results)
    shown.add_section()
    shown.add_row(
        "all",
        str(total["people"]),
        f"{total['visits']} ({total['off_percent']:+} %)",
        str(total["described"]),
        str(sum(total["missed"].values())),
        str(total["mixed"]),
        str(total["split"]),
        _listed(total["false"]),
    )
    yield shown
    acts = Table(title="by what the people do", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("act", "missed", "split"):
        acts.add_column(heading, justify="left" if heading == "act" else "right", no_wrap=True)
    for act in sorted({*total["missed"], *total["split_by_act"]}):
        acts.add_row(act, str(total["missed"].get(act, 0)), str(total["split_by_act"].get(act, 0)))
    yield acts


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "-"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = seeds.parser(
        "python -m benchmarks.counting",
        "Count the visits of the busy scene and compare them with its truth.",
        seeds=20,
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="save the worst moments of every seed")
    parser.add_argument("--video", type=Path, metavar="OUT.mp4", help="save the first seed with its tracks")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    errors = Console(stderr=True)
    job = partial(run_seed, size=seeds.SIZES[options.size], pictures=options.pictures)
    jobs = [
        partial(job, seed, video=options.video if seed == options.first else None)
        for seed in range(options.first, options.first + options.seeds)
    ]
    try:
        if options.pictures is not None:
            options.pictures.mkdir(parents=True, exist_ok=True)
        load_models(Settings())
        results = seeds.results(jobs, errors)
    except (UserError, OSError) as error:
        errors.print(str(error), soft_wrap=True, markup=False, highlight=False)
        return 2
    if options.json:
        print(json.dumps({"size": options.size, "sum": in_sum(results), "seeds": results}, indent=2))
        return 0
    console = Console()
    console.width = max(console.width, 110)  # rows must not wrap
    for table in tables(results, options.size):
        console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
