"""Annotated videos and pictures: readers, crops, sampling and augmentation."""
