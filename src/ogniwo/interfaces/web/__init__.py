"""What people see: pages rendered on the server, over services; every page names the act it needs."""
