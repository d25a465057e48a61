"""The behaviour of the server process: memory, threads, a helper process, signals, shared files."""
