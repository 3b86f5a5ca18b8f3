"""What to do about images that get lost on their way to the node."""

from dataclasses import dataclass

PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE"
LARGE = 1_000_000  # bytes; smaller images hardly get lost but where the machine has no time for them


@dataclass(frozen=True, slots=True)
class Transport:
    """How the images of a camera come."""

    profile: bool = False  # whether this process has a profile of Fast DDS
    reliable: bool = False  # whether all that publish them do it reliably


UNKNOWN = Transport()


def remedies(transport: Transport, image_bytes: int) -> str:
    """What helps, the most promising first."""
    whose = (
        "the camera's process too, as this one has it" if transport.profile else "the camera and this node"
    )
    ways = [f"set {PROFILE} to share/s2iammask/config/fastdds.xml for {whose}"]
    if not transport.reliable:
        ways.append("have the camera publish reliably")
    if image_bytes > LARGE:
        ways.append("have it publish smaller or compressed images")
    else:
        ways.insert(
            0, "leave the machine more time (threads, fewer targets), as images of that size seldom get lost"
        )
    return f"{'; '.join(ways)} (docs/ros.md, Images)"
