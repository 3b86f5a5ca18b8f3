"""What is read from files and written to them: one reader for each kind of thing, one writer for each output.

What is missing, cut or broken is a DatasetError that names the file; what cannot be written an OutputError.
"""
