"""Stand-ins for the operators: what their Helm charts install, and what they do to the cluster for a custom resource.

Each operator is a process of its own that runs while its pod runs (see `rehearsal.kubelet`), with the token of its own
service account. Names, labels, status wording and order are those of the real ones; no container runs behind them.
"""
