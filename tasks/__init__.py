"""The domain logic of Windtunnel: plain functions, one package per capability.

What belongs here: everything that decides, transforms or measures. What does not: Prefect, which only ``flows`` imports,
and the wiring of one capability to another, which only the composition roots (``tasks.stages``, ``tasks.trial``) do.
"""
