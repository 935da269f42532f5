"""The workflows: the only place that imports Prefect. A flow body tells one story, without arithmetic or dataframes."""
