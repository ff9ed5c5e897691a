"""Use-cases of supply contracts and community memberships."""
