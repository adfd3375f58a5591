"""The server in one container without Kubernetes: Docker, Compose and nginx, from the settings of a stack.

stack      reads the stack file without Pulumi; encrypted values stay closed
documents  what is printed: pure functions
"""
