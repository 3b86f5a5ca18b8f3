"""The page over a camera of this machine, which is tracked in this process."""
