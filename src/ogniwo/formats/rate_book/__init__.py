"""Rate files: dated rates and rules in TOML, read into core values."""
