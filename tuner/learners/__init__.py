"""Everything that knows how something is fitted."""
