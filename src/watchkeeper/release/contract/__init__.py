"""What a version takes and gives, and who relies on it."""
