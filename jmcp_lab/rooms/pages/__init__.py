"""A room and its pages: how they join, come back, and what they typed in the meantime."""
