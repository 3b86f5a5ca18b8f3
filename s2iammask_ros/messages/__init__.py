"""What all rooms know of messages: bytes, stamps, boxes."""
