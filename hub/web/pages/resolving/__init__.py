"""The pages on which somebody chooses who is asked next, where a desk has said that a child is not theirs."""
