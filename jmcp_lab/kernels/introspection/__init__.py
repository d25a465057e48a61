"""Short questions to a kernel that leave nothing in its history."""
