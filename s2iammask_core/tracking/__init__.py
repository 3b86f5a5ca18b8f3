"""From network outputs to tracks: the tracker, its memory, and what the two are made of."""
