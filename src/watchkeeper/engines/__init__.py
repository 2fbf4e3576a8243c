"""Decides where the kernel runs: maps it over blocks of data and merges what comes back."""

from watchkeeper.engines.kernels import Kernels
from watchkeeper.engines.local import gather, scan
from watchkeeper.engines.spark import NoSpark, Spark, SparkFailed

__all__ = ["Kernels", "NoSpark", "Spark", "SparkFailed", "gather", "scan"]
