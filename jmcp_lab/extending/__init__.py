"""Tools of other Python packages: found, checked, and run within the same bounds as ours."""
