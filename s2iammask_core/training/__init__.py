"""Training of all variants: one loop, settings for each stage."""
