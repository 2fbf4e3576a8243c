"""What people read and write about a model: its card."""
