"""What `./bareflow` does, one module per concern; scripts/bareflow_cli.py is the way in."""
