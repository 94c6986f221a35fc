"""Networks for tables: all folds of a trial are fitted as one batched graph."""
