"""A stand-in for AWS Load Balancer Controller: Ingresses become ALBs of the rehearsed account. Nothing routes traffic."""
