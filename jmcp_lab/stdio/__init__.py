"""The program `jmcp-lab stdio`: a bridge for clients that only start programs."""
