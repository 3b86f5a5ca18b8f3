"""The page to track on: a server, the files of its front end, and what stands behind it."""
