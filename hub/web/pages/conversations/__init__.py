"""The pages on which desks of several organisations write to each other about an absence."""
