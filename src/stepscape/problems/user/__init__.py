"""A user's table: from a file to columns, from columns to data."""
