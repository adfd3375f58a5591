"""EKS, played on the embedded control plane: cluster, node groups, add-ons, access.

Importing `rehearsal.aws.eks.behaviours` registers what the provider stand-in does for EKS's types.
"""
