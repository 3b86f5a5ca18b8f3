"""What comes in: images, depth, and the boxes of detectors."""
