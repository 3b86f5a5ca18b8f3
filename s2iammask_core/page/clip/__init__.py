"""A tracker of this process on a clip: forwards, and again from wherever a box is drawn."""
