"""Everything that is true of WeCom only."""
