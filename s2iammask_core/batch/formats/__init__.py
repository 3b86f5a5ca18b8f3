"""What labels are written as: some by recording, where it was tracked, some of all recordings together."""
