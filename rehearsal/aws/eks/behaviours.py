"""Registers the behaviours of EKS's types: importing this module is all there is to it."""

from . import access, addons, cluster, nodegroups

__all__ = ["access", "addons", "cluster", "nodegroups"]
