"""States of targets as messages number them."""

from s2iammask.msg import TrackedObject
from s2iammask_core import TrackState

STATES = {
    TrackState.TRACKING: TrackedObject.TRACKING,
    TrackState.UNCERTAIN: TrackedObject.UNCERTAIN,
    TrackState.LOST: TrackedObject.LOST,
}
