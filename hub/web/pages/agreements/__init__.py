"""The pages on which organisations agree: what is proposed, and answering it."""
