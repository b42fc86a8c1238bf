"""That what is in the directory works: certificates that end, who can be reached."""
