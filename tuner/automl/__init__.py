"""From a user's own table to a model that can be trusted: schema, portfolio, search, ensemble."""
