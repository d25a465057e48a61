"""Agents: who may call, and who is connected."""
