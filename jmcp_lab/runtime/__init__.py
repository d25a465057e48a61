"""Handles calls from the dispatcher through the gate to the reply."""
