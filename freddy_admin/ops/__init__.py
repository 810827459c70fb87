"""Running the panel: commands, processes, the mail sender, health pages, metrics, `doctor`."""
