"""What people note beside the register: findings they set aside, attributes of their own choosing."""
