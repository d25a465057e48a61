"""How the server process behaves: memory, threads, a helper process, signals, shared files."""
