"""What is tracked: requests of clients, targets by name, and the services."""
