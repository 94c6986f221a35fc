"""What a study is from its file to its end: life cycle, recovery, queue."""
