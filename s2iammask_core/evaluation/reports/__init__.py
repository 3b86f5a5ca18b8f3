"""What a run came to: tables, curves, plots, and a page to look at."""
