"""What somebody shows besides the password: who needs it, how it is kept, when it is asked."""
