"""The ROS 2 side of S2iamMask: messages in, the core's tracker, messages out. Nothing is computed here."""
