"""Course of an episode as a picture: what is drawn, and how. Pure; whoever has a story to show builds the drawing."""
