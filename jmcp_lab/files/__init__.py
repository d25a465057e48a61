"""Files and folders: which paths agents may use, and how the contents manager accesses them."""
