"""Ships real data with a true story in it, so that the first command has something to find."""

from watchkeeper.demo.story import TRUTH, Demo, Episode, files

__all__ = ["TRUTH", "Demo", "Episode", "files"]
