"""Short questions to a kernel, of which nothing stays in its history."""
