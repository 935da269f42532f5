"""Timings as ratios and CPU seconds, each with its peer beside; run by `make bench`, never asserted by a test."""
