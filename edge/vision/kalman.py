"""A constant-velocity Kalman filter along one axis, in seconds and face sizes (Kalman 1960)."""

from __future__ import annotations

START_SIGMA = 0.08
"""Jitter of the first position, in face sizes."""

START_SPEED_SIGMA = 3.0
"""Assumed speed of a new face, in face sizes a second; a fast walk across the view is about 7."""

ACCELERATION_DENSITY = 6.0
"""How fast people change their speed: spectral density of white acceleration, face sizes^2 / s^3."""


class Axis:
    """Position and velocity along one axis with their covariance, pixels and seconds."""

    __slots__ = ("cross", "position", "position_var", "velocity", "velocity_var")

    def __init__(self, position: float, side: float) -> None:
        self.position, self.velocity = position, 0.0
        self.position_var = (START_SIGMA * side) ** 2
        self.cross = 0.0
        self.velocity_var = (START_SPEED_SIGMA * side) ** 2

    def predict(self, dt: float, side: float) -> None:
        density = ACCELERATION_DENSITY * side**2
        self.position += self.velocity * dt
        self.position_var += 2 * dt * self.cross + dt**2 * self.velocity_var + density * dt**3 / 3
        self.cross += dt * self.velocity_var + density * dt**2 / 2
        self.velocity_var += density * dt

    def correct(self, measured: float, jitter: float) -> None:
        """Take a measured position; ``jitter`` is its standard deviation in pixels."""
        total = self.position_var + jitter**2
        if total <= 0:  # the jitter of a box without area is unknown
            self.position = measured
            return
        error, gain, gain_velocity = measured - self.position, self.position_var / total, self.cross / total
        self.position += gain * error
        self.velocity += gain_velocity * error
        self.velocity_var -= gain_velocity * self.cross
        self.cross *= 1 - gain
        self.position_var *= 1 - gain

    def jump(self, measured: float, jitter: float) -> None:
        """Take a position that was measured in another way: the difference says nothing about the velocity."""
        self.position, self.position_var, self.cross = measured, jitter**2, 0.0
