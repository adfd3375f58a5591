"""Pulumi components that run Weights & Biases on Kubernetes.

    contracts     what one layer hands the next: plain, frozen values
    namespaces    the three namespaces of an installation, created or used
    credentials   passwords and keys, kept in Secrets
    ordering      values that wait for resources
    later         functions of values that may be known only during the deployment
    fingerprint   what changes when a text does
    network       the vocabulary of NetworkPolicies, and what is known of the network around the stack
    monitoring    what the Prometheus operator is told
    task          shell scripts that run once in the cluster
    mysql_database  W&B's database, user and grants on any MySQL
    external      what the user brings to any platform
    kubernetes/   the platform on a cluster that exists: MySQL, Redis and object store, brought or in the cluster
    aws/          the platform on AWS: network, cluster, stores and load balancer, made or brought
    clickhouse/   Altinity operator, ClickHouse Keeper and ClickHouse for Weave
    wandb/        W&B operator, the WeightsAndBiases resource and its verification

Every component takes one frozen, keyword-only dataclass of arguments; what decides structure is a plain value,
what flows from other resources is a `pulumi.Input`. Import the module you need: this package imports nothing.
"""
