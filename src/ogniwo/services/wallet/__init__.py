"""What a member's own pages ask: energy, bills, meters, community, all of himself; the doors only show it."""
