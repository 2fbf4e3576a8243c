"""Ships real data with a true story in it, so that the first command has something to find."""

from watchkeeper.demo.story import Demo, Episode, files

__all__ = ["Demo", "Episode", "files"]
