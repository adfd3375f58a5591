"""The platform on AWS: everything from an empty account, or what is missing beside what the user brings.

    account, arns                      the account, its region and partition, and the provider that reaches no other
    keys                               the KMS key that encrypts whatever is kept
    network, subnets                   VPC, subnets and their addresses, NAT; endpoints, flow_logs
    cluster, existing_cluster          EKS: made, or one that exists; control_plane, access
    nodes, node_groups, autoscaler     nodes for each pool and zone, and more of them when pods find no room
    addons, storage_class              what every cluster needs: network, DNS, volumes, metrics
    identity, policies                 a role for each workload, and what it may do
    mysql                              Aurora MySQL with W&B's database; mysql_parameters, mysql_monitoring
    redis                              ElastiCache; stores: what it has in common with Aurora
    bucket, replication                S3, for W&B, for ClickHouse and for backups; resource_policies
    ingress, ingress_settings          the load balancer in front of W&B, and its record
    load_balancer                      the controller that makes load balancers
    zone, certificate                  a hosted zone, and an ACM certificate that is validated in one
    platform                           joins them with what the user brings

Import the module you need: this package imports nothing, so that its pure modules cost no SDK.
"""
