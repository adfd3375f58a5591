"""What development and rehearsals need besides Python packages: pinned programs, and the bootstrap that gets them."""
