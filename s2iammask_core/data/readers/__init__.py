"""Readers of data sets in their official layouts; each gives a VideoSet."""
