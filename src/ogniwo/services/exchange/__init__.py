"""What programs exchange with us: requests that may be repeated, and webhooks."""
