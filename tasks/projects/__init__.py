"""Projects of users: a thin project around one lake and one label, and its upgrade to another version of this package.

What belongs here: profiling a table, guessing what its columns are for, proposing a masking policy, drafting suites, and
writing a project's files. What does not: reading a lake (``tasks.sources``), and wiring the two (``tasks.founding``).
"""
