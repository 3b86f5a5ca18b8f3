"""What goes out: messages about an image, and where they are published."""
