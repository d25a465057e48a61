"""Collect the outputs of running code in memory and write them to the shared document."""
