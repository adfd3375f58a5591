"""Stand-ins for Pulumi providers, spoken to by the real engine.

`python -m rehearsal.providers <name> <version> <engine address>` serves one. They validate, plan, wait and fail as the
real providers of that name and version; what they cannot do they refuse by name. They prove nothing about the real
providers' own bugs.
"""
