"""Timings as ratios and CPU seconds, and error rates, each with its peer beside; run by `make bench`, never asserted by a test."""

from tasks.telemetry import switch_off

switch_off()  # before a module imports MLflow
