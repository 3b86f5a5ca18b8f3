"""Running trackers on benchmarks and scoring their results.

The metrics (overlap, vot, davis, youtube_vos, otb) are pure functions on arrays. Only this package ever sees
ground truth; the tracker does not.
"""
