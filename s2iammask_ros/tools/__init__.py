"""Programs for people: replay of bags, a window to select targets, the parameter file."""
