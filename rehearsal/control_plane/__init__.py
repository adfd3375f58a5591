"""A real Kubernetes control plane on this machine: etcd, API server, controllers, scheduler, and simulated nodes."""

from .control_plane import BINARIES, ControlPlane, ControlPlaneError, Surroundings, shut_down
from .nodes import NodeShape

__all__ = ["BINARIES", "ControlPlane", "ControlPlaneError", "NodeShape", "Surroundings", "shut_down"]
