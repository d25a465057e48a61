"""The panel's REST interface."""
