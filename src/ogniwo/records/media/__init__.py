"""Meters of gas, heat and water of members, their states, and the readings that members declare of them."""
