"""One trial, from its parameters to its stored end."""
