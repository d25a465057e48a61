"""The life of a call: from the dispatcher through the gate to the reply."""
