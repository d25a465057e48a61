"""Convert between the file form of a notebook and its form in a shared document."""
