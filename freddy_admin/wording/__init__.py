"""What the panel says to people: states, failures, events, audit actions, times; said once."""
