"""What changes from one version to another, and for whom."""
