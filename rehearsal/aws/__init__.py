"""A stand-in for AWS: an account in a file, and what its API would say to each request.

It proves that the program's requests are legal, complete and in a workable order, and that what AWS would refuse is
refused. It cannot prove what only AWS knows: quotas of a real account, capacity, permissions of whoever deploys, and
whether what is made works.
"""
