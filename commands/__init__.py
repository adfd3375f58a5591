"""What a user runs beside Pulumi, for a stack that is or will be deployed.

images      `make images`: what a registry of one's own has to hold
verify      `make verify`: W&B's own checks against a stack that runs; way_there: what may stand in the way of them
"""
