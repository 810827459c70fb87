"""What holds messages back: mutes of incidents, and maintenance windows."""
