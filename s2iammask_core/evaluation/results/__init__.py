"""Result files in each benchmark's own format.

What is being written has the suffix .part. It gets its name when the sequence is complete, so that a run that
was killed goes on with the first sequence that is not.
"""
