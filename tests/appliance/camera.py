"""A network camera for a machine: its service shows half a minute of the sample scene again and again."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2

from edge.scene.render import Scene
from tests.appliance.machine import Machine

PICTURES, FPS = 150, 5
CAMERA = "http://127.0.0.1:8081/"

# It is there again after a reboot.
UNIT = f"""
[Service]
ExecStart=python3 /srv/network_camera.py /srv/pictures 8081 {FPS}
[Install]
WantedBy=multi-user.target
"""


def give_camera(machine: Machine) -> None:
    """The camera at :data:`CAMERA`, on the machine itself."""
    scene = Scene()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(PICTURES):
            cv2.imwrite(f"{folder}/{number:04}.jpg", scene.render(round(number * scene.fps / FPS)))
        machine.copy(Path(folder), "/srv/pictures")
    machine.copy(Path(__file__).with_name("network_camera.py"), "/srv/network_camera.py")
    machine.run("cat >/etc/systemd/system/camera.service; systemctl enable --quiet --now camera", text=UNIT)
