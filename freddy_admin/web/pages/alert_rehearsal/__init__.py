"""What the rules would have told in the last days."""
