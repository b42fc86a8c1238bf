"""The pages on which the people who run this hub come to know other hubs."""
