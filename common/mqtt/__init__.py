"""What every MQTT connection of Footlight shares."""

from __future__ import annotations

from typing import Literal

Protocol = Literal["5", "3.1.1"]
"""The version of MQTT. 3.1.1 is for brokers that know nothing newer."""
