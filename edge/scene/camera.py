"""The sample scene as a camera: finite, like a video, and the same each time for a seed."""

from __future__ import annotations

from datetime import timedelta

from common.clock import Clock
from edge.scene.render import DEFAULT_SEED, Scene
from edge.types import Frame


class SceneCamera:
    """Plays a scene from its first frame to its last, as fast as it is read; ``capture.replay.Paced`` slows it down to
    its own speed. ``monotonic_s`` is the time in the scene, as in ``SceneTruth``. ``act`` names the camera of
    the second act.
    """

    live = False

    def __init__(
        self, seed: int = DEFAULT_SEED, *, clock: Clock, scene: Scene | None = None, act: str = ""
    ) -> None:
        self.scene = Scene(seed) if scene is None else scene
        self._act = act
        self._clock = clock
        self._started_at = clock.now()
        self._next = 0

    def open(self) -> None:
        self._started_at = self._clock.now()
        self._next = 0

    def read(self) -> Frame | None:
        if self._next >= len(self.scene):
            return None
        index, self._next = self._next, self._next + 1
        seconds = index / self.scene.fps
        return Frame(self.scene.render(index), self._started_at + timedelta(seconds=seconds), seconds, index)

    def close(self) -> None:
        self._next = len(self.scene)

    def describe(self) -> str:
        return ":".join(["scene", *filter(None, [self._act]), str(self.scene.seed)])
