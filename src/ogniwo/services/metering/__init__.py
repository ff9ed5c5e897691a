"""Use-cases of metering."""
