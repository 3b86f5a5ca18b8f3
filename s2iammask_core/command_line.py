"""What the commands of the package and those of the node have in common."""

import re
from collections.abc import Sequence

MISUSE = 2  # exit code of a wrong command line or an error that the user can mend
INCOMPLETE = 3  # exit code where a part of the input could not be read: the outputs hold the rest
INTERRUPTED = 130  # exit code after Ctrl-C


def joined_boxes(words: Sequence[str]) -> list[str]:
    """The words with `--box -5,92,57,57` as one: argparse takes what begins with a minus for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--box" and re.match(r"-[\d.]", word):
            joined[-1] = f"--box={word}"
        else:
            joined.append(word)
    return joined
