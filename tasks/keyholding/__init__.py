"""What only the holder of the masking key can do: look at a masked sample, change the key, and bridge old tokens to new.

What belongs here: wiring masking, datasets and a project's paths for these. What does not: how a column is masked
(``tasks.masking``), and words and options (``flows.cli``).
"""
