"""Tests of the trainings. They need PyTorch, so they have an environment and a command of their own."""
