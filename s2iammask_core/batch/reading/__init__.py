"""Reads what is asked for: tables of starts, and annotations that people drew with other programs."""

from s2iammask_core.batch.reading.read import read_rows as read_rows
