"""Other hubs: introduced, confirmed by telephone, doubted when their keys change."""
