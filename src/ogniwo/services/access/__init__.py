"""Who may do what: users' grants, invitations, and the one table that every page and every API operation obeys."""
