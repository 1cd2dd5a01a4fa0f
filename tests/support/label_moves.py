"""Small changes of what faces show: other genders, age bands and expressions of the visits of a cohort."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from common.vocabulary import NO_VERDICT, NOT_SEEN, UNKNOWN
from tests.support.days import Person
from tests.support.whereabouts import labelled, with_labels


@dataclass(frozen=True, slots=True)
class LabelMover:
    """Moves visits of ``people``; those at the places ``free`` alone. ``sums``: the kinds of times whose sum
    must stay."""

    people: Sequence[Person]
    free: Sequence[int]
    sums: Collection[str]
    rng: np.random.Generator

    def shuffled(self, chosen: Sequence[int] | None = None) -> list[int]:
        order = list(self.free if chosen is None else chosen)
        self.rng.shuffle(order)
        return order

    def changed(self, *changes: tuple[int, Person]) -> list[Person]:
        people = list(self.people)
        for index, one in changes:
            people[index] = one
        return people

    def relabel(self, attribute: int, old: str, new: str) -> list[Person] | None:
        """Give one visit another label; one that looked at no target, where there is one."""
        found = [n for n in self.shuffled() if self.people[n].labels[attribute] == old]
        if not found:
            return None
        index = min(found, key=lambda n: len(self.people[n].places.looks))
        return self.changed((index, labelled(self.people[index], attribute, new)))

    def exchange(self, attribute: int, one: int, other: int) -> list[Person]:
        """Exchange one label of two visits."""
        first, second = self.people[one], self.people[other]
        return self.changed(
            (one, labelled(first, attribute, second.labels[attribute])),
            (other, labelled(second, attribute, first.labels[attribute])),
        )

    def permute(self, attribute: int) -> list[Person]:
        """Deal the labels of all described visits anew."""
        seen = [n for n in self.free if self.people[n].labels[0] != NOT_SEEN]
        labels = [self.people[n].labels[attribute] for n in self.shuffled(seen)]
        return self.changed(
            *((n, labelled(self.people[n], attribute, label)) for n, label in zip(seen, labels, strict=True))
        )

    def deal(self, table: Mapping[tuple[str, str], int]) -> list[Person] | None:
        """Give genders and age bands to free visits so that there are so many with each pair in all. A visit that was
        not seen before, or is not any longer, has an unknown expression when it is seen."""
        wanted, spare, mover = Counter(table), list[int](), self
        wanted.subtract(one.labels[:2] for one in self.people)
        for n in self.shuffled():
            pair = self.people[n].labels[:2]
            if wanted[pair] < 0:
                wanted[pair] += 1
                spare.append(n)
        if min(wanted.values()) < 0:
            return None
        pairs = sorted(wanted.elements(), key=lambda pair: NOT_SEEN not in pair)
        spare.sort(key=lambda n: mover.people[n].labels[2] != UNKNOWN)
        for n, (gender, band) in zip(spare, pairs, strict=True):
            face = mover.people[n].labels[2]
            if gender == NOT_SEEN and face != UNKNOWN:
                owners = [other for other in mover.shuffled() if mover.people[other].labels[2] == UNKNOWN]
                if not owners:
                    return None
                mover = replace(mover, people=mover.exchange(2, n, owners[0]))
            face = NOT_SEEN if gender == NOT_SEEN else UNKNOWN if face == NOT_SEEN else face
            mover = replace(
                mover, people=mover.changed((n, with_labels(mover.people[n], (gender, band, face))))
            )
        return list(mover.people)

    def relist(self, unseen: int, lists: Sequence[Mapping[str, int]]) -> list[Person] | None:
        """Let so many visits not be seen, and give the others labels until there are so many with each in each list."""
        people = list(self.people)
        hidden = [n for n in self.shuffled() if people[n].labels[0] == NOT_SEEN]
        seen = [n for n in self.shuffled() if people[n].labels[0] != NOT_SEEN]
        more = unseen - sum(one.labels[0] == NOT_SEEN for one in people)
        if not -len(hidden) <= more <= len(seen):
            return None
        for n in hidden[: max(0, -more)]:
            people[n] = with_labels(people[n], (UNKNOWN,) * 3)
        for n in seen[: max(0, more)]:
            people[n] = with_labels(people[n], (NOT_SEEN,) * 3)
        for attribute, wanted in enumerate(lists):
            left = Counter(
                {label: count for label, count in wanted.items() if label not in (NOT_SEEN, NO_VERDICT)}
            )
            left.subtract(one.labels[attribute] for one in people if one.labels[0] != NOT_SEEN)
            new = list(left.elements())
            self.rng.shuffle(new)
            for n in self.shuffled():
                label = people[n].labels[attribute]
                if label != NOT_SEEN and left[label] < 0:
                    left[label] += 1
                    people[n] = labelled(people[n], attribute, new.pop())
            if min(left.values()) < 0:
                return None
        return people

    def deal_faces(self, target: str, now: Counter[str], table: Counter[str]) -> list[Person] | None:
        """Exchange expressions of viewers of a target and of others until ``table`` and not ``now`` is true of viewers.
        Who looked at something else exchanges with somebody who did so, too, where there is one."""
        mover = self
        looks = [one.places.looks.keys() for one in self.people]
        for less, more in zip((now - table).elements(), (table - now).elements(), strict=True):
            own = [n for n in mover.shuffled() if target in looks[n] and mover.people[n].labels[2] == less]
            other = [
                n for n in mover.shuffled() if target not in looks[n] and mover.people[n].labels[2] == more
            ]
            pairs = itertools.product(own, other)
            alike = (pair for pair in pairs if looks[pair[0]] - {target} == looks[pair[1]])
            pair = next(alike, None) or next(zip(own, other, strict=False), None)
            if pair is None:
                return None
            one, two = pair
            first, second = mover.people[one].labels, mover.people[two].labels
            if NOT_SEEN in (less, more):
                people = mover.changed(
                    (one, with_labels(mover.people[one], second)),
                    (two, with_labels(mover.people[two], first)),
                )
            else:
                people = mover.exchange(2, one, two)
            mover = replace(mover, people=people)
        return list(mover.people)

    def unsee(self, labels: Sequence[str]) -> list[Person] | None:
        """Make a visit that was not seen of one with these ``labels``. If nobody has all three of them, three visits
        exchange theirs before."""
        mover, index = self, -1
        for attribute, label in enumerate(labels):
            owners = [n for n in mover.shuffled() if mover.people[n].labels[attribute] == label]
            if not owners:
                return None
            if index < 0:
                index = owners[0]
            elif mover.people[index].labels[attribute] != label:
                mover = replace(mover, people=mover.exchange(attribute, index, owners[0]))
        return mover.changed((index, with_labels(mover.people[index], (NOT_SEEN,) * 3)))

    def see(self, labels: Sequence[str]) -> list[Person] | None:
        """Give these labels to a visit that was not seen."""
        unseen = [n for n in self.shuffled() if self.people[n].labels[0] == NOT_SEEN]
        if not unseen:
            return None
        index = min(unseen, key=lambda n: len(self.people[n].places.looks))
        return self.changed((index, with_labels(self.people[index], labels)))
