"""All rules: pure functions and frozen values. No clock, no disk, no network, no framework."""
