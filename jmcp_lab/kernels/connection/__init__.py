"""The connection to one kernel: its channels, and the messages that come back."""
