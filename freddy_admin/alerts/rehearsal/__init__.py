"""What the present rules would have told whom in the last days, replayed over the history."""
