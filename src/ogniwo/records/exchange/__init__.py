"""What programs exchange with us: answered requests, webhooks, deliveries; loaded only where people sign in."""
