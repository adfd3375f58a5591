"""`pulumi up` without a cloud: the real Pulumi CLI and program against a real Kubernetes control plane on this machine.

What no container runs behind is played by stand-ins (providers, nodes, operators); each says what it cannot prove.
`python -m rehearsal up --stack dev` is the way in.
"""
