"""A stand-in for the cluster autoscaler: node groups grow while pods find no room. It takes no node away."""
