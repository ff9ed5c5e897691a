"""Messages between members, their organisation and the system."""
