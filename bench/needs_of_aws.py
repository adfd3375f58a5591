"""What AWS needs before something else: each row with its reason."""

from __future__ import annotations

from .rules import Rule, rules

_VPC = "aws:ec2/vpc:Vpc"
_SUBNET = "aws:ec2/subnet:Subnet"
_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_KEY = "aws:kms/key:Key"
_ROLE = "aws:iam/role:Role"
_EKS = "aws:eks/cluster:Cluster"
_NODES = "aws:eks/nodeGroup:NodeGroup"
_ADDON = "aws:eks/addon:Addon"
_BUCKET = "aws:s3/bucket:Bucket"
_ENCRYPTS = "it encrypts with this key from the first byte; a key cannot be set later"
_IN_VPC = "it is in this VPC"
_PLACED = "it is placed in these subnets"
_ACTS = "it acts with this role"

_NETWORK = (
    *rules(_SUBNET, (_VPC, _IN_VPC)),
    *rules(_GROUP, (_VPC, _IN_VPC)),
    *rules("aws:ec2/routeTable:RouteTable", (_VPC, _IN_VPC)),
    *rules(
        "aws:ec2/internetGateway*",
        (_VPC, "it is attached to this VPC"),
        ("aws:ec2/internetGateway:*", "it attaches it"),
    ),
    *rules(
        "aws:ec2/natGateway:NatGateway",
        (_SUBNET, "it is in this subnet"),
        ("aws:ec2/eip:Eip", "its public address"),
        ("aws:ec2/internetGateway*", "EC2 refuses a NAT gateway in a VPC without one"),
    ),
    *rules("aws:ec2/eip:Eip", ("aws:ec2/internetGateway*", "an address in a VPC may need its gateway first")),
    *rules(
        "aws:ec2/route:Route",
        ("aws:ec2/routeTable:RouteTable", "it is in this table"),
        ("aws:ec2/natGateway:NatGateway", "its target"),
        ("aws:ec2/internetGateway*", "its target"),
    ),
    *rules(
        "aws:ec2/routeTableAssociation:*",
        (_SUBNET, "what it joins"),
        ("aws:ec2/routeTable:RouteTable", "what it joins"),
    ),
    *rules(
        "aws:ec2/vpcEndpoint:*",
        (_VPC, _IN_VPC),
        (_SUBNET, _PLACED),
        (_GROUP, "it carries this group"),
        ("aws:ec2/routeTable:RouteTable", "it is a route in this table"),
    ),
    *rules(
        "aws:vpc/securityGroup*",
        (_GROUP, "the group whose rule it is, or that it admits"),
        (_EKS, "it admits the cluster's own group"),
    ),
    *rules(
        "aws:ec2/flowLog:FlowLog",
        (_VPC, "whose traffic it logs"),
        ("aws:cloudwatch/logGroup:LogGroup", "where it writes"),
        (_ROLE, _ACTS),
        ("aws:iam/role*", _ACTS),
    ),
    *rules(
        "aws:cloudwatch/logGroup:LogGroup", (_KEY, _ENCRYPTS), ("aws:kms/keyPolicy*", "the key must admit the service")
    ),
    *rules("aws:kms/*", (_KEY, "it names this key")),
)

_IDENTITY = (
    *rules(
        "aws:iam/rolePolic*",
        (_ROLE, "the role that it is of"),
        (_BUCKET, "it names this bucket"),
        (_KEY, "it names this key"),
        ("aws:iam/policy:Policy", "what it attaches"),
    ),
    *rules(_ROLE, ("aws:iam/openIdConnectProvider:*", "whom it trusts")),
    *rules("aws:iam/openIdConnectProvider:*", (_EKS, "the issuer is known once the cluster is")),
    *rules(
        "aws:eks/podIdentityAssociation:*",
        (_EKS, "it is of this cluster"),
        (_ROLE, _ACTS),
        ("aws:iam/rolePolic*", _ACTS),
    ),
    *rules(
        "aws:eks/access*",
        (_EKS, "it opens this cluster"),
        (_ROLE, "whom it admits"),
        ("aws:eks/access*", "the entry that it widens"),
    ),
)

_CLUSTER = (
    *rules(
        _EKS,
        (_SUBNET, "its network interfaces are in these subnets"),
        (_ROLE, _ACTS),
        ("aws:iam/rolePolic*", "EKS refuses a role that lacks its policy"),
        (_KEY, "Kubernetes' Secrets are encrypted with it from the start"),
        ("aws:kms/keyPolicy*", "the key must admit the role"),
        (_GROUP, "it carries this group"),
        ("aws:cloudwatch/logGroup:LogGroup", "else EKS makes the group itself, unencrypted and without an end"),
    ),
    *rules(
        _NODES,
        (_EKS, "they join this cluster"),
        (_SUBNET, _PLACED),
        (_ROLE, _ACTS),
        ("aws:iam/rolePolic*", "without its policies a node cannot join"),
        (_ADDON, "a node is not ready without a network plugin"),
        ("aws:eks/access*", "nodes are admitted by it"),
        ("aws:eks/podIdentityAssociation:*", "the network plugin acts with its role"),
        ("aws:ec2/launchTemplate:*", "its nodes start from it"),
        ("aws:ec2/route*", "a node fetches its images through this route"),
        ("aws:ec2/natGateway:*", "a node fetches its images through this gateway"),
        ("aws:ec2/vpcEndpoint:*", "a node reaches AWS through it"),
        (_KEY, _ENCRYPTS),
    ),
    *rules(
        "aws:ec2/launchTemplate:*",
        (_GROUP, "its nodes carry this group"),
        (_KEY, _ENCRYPTS),
    ),
    *rules(
        _ADDON,
        (_EKS, "it is of this cluster"),
        (_ROLE, _ACTS),
        ("aws:iam/rolePolic*", _ACTS),
        ("aws:eks/podIdentityAssociation:*", _ACTS),
        (_NODES, "its pods need nodes before it is active"),
    ),
    *rules(
        "pulumi:providers:kubernetes",
        (_EKS, "the address of the cluster"),
        ("aws:eks/access*", "whoever deploys is admitted by it"),
    ),
)

_STORES = (
    *rules("aws:rds/subnetGroup:*", (_SUBNET, "what it groups")),
    *rules("aws:elasticache/subnetGroup:*", (_SUBNET, "what it groups")),
    *rules(
        "aws:rds/cluster:Cluster",
        ("aws:rds/subnetGroup:*", _PLACED),
        (_GROUP, "it carries this group"),
        ("aws:rds/clusterParameterGroup:*", "it starts with these parameters"),
        (_KEY, _ENCRYPTS),
        ("random:*", "its first password"),
        ("aws:cloudwatch/logGroup:LogGroup", "else RDS makes the group itself, unencrypted and without an end"),
    ),
    *rules(
        "aws:rds/clusterInstance:*",
        ("aws:rds/cluster:Cluster", "it is of this cluster"),
        ("aws:rds/parameterGroup:*", "it starts with these parameters"),
        (_ROLE, _ACTS),
        ("aws:iam/rolePolic*", _ACTS),
        (_KEY, _ENCRYPTS),
    ),
    *rules(
        "aws:elasticache/replicationGroup:*",
        ("aws:elasticache/subnetGroup:*", _PLACED),
        ("aws:elasticache/parameterGroup:*", "it starts with these parameters"),
        (_GROUP, "it carries this group"),
        (_KEY, _ENCRYPTS),
        ("random:*", "its first password"),
        ("aws:cloudwatch/logGroup:LogGroup", "where it writes its log"),
    ),
    *rules(
        "aws:s3/*",
        (_BUCKET, "it is of this bucket"),
        (_KEY, _ENCRYPTS),
        ("aws:s3/*", "S3 takes them one after the other"),
    ),
    *rules(
        "aws:acm/certificateValidation:*",
        ("aws:acm/certificate:*", "what is issued"),
        ("aws:route53/record:*", "what proves the domain"),
    ),
    *rules(
        "aws:route53/record:*",
        ("aws:acm/certificate:*", "ACM says what the record must hold"),
        ("aws:route53/zone:*", "it is in this zone"),
        ("kubernetes:networking.k8s.io/v1:Ingress", "the load balancer's name is known once it is there"),
    ),
)

RULES: tuple[Rule, ...] = (*_NETWORK, *_IDENTITY, *_CLUSTER, *_STORES)
