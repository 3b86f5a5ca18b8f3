"""Readers of benchmark data in their official layouts. Frames are decoded when asked for, never before."""
