"""Tables as spreadsheets."""
