"""Django models: master data, runs, documents; constraints, no rules."""
