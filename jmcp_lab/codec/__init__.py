"""What the file of a notebook says, and the same as a shared document holds it."""
