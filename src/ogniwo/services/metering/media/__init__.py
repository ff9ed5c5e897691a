"""Meters of gas, heat and water of members: registering them, their states, files of states, members' own readings."""
