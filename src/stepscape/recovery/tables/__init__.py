"""A user's table with missing entries, filled by the flattest factors of low rank."""
