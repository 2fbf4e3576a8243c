"""The gate: may a version go live? Held-out rows, leaks, statistics, the artefact itself, and the verdict."""
