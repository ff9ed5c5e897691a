"""Who may sign in and what each may see: a Django app of its own, loaded only where people sign in."""
