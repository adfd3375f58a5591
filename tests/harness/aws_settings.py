"""Stacks of the target `aws` in which every setting has a meaning, and another value for each."""

from __future__ import annotations

from typing import Any

REGION, ACCOUNT, ID = "eu-central-1", "123456789012", "01234567-89ab-cdef-0123-456789abcdef"
SUBNETS = [f"subnet-0a1b2c3d4e5f6000{each}" for each in range(9)]
OTHERS = [f"subnet-0f1e2d3c4b5a6000{each}" for each in range(9)]


def arn(service: str, resource: str, region: str = REGION) -> str:
    """The ARN of something in the account."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


MADE: dict[str, Any] = {
    "target": "aws",
    "environment": "test",
    "host": "wandb.example.com",
    "license": "a licence",
    "aws": {
        "region": REGION,
        "accountId": ACCOUNT,
        "network": {"kind": "managed"},
        "cluster": {"kind": "managed"},
        "dns": {"kind": "existing", "zoneId": "Z0123456789ABCDEFGHIJ"},
    },
    "sizing": {"nodes": {"count": 4, "type": "r6i.2xlarge"}},
    "mysql": {"kind": "managed"},
    "redis": {"kind": "managed"},
    "objectStore": {"kind": "managed"},
    "clickhouse": {"kind": "managed"},
}
"""A stack that makes everything."""

MADE_OTHERWISE: dict[str, Any] = {
    "aws": {
        "region": "eu-west-1",
        "accountId": "210987654321",
        "profile": "other",
        "assumeRoleArn": arn("iam", "role/other", region=""),
        "tags": {"other": "yes"},
        "kmsKeyArn": arn("kms", f"key/{ID}"),
        "network": {
            "cidr": "10.21.0.0/16",
            "zones": [f"{REGION}b", f"{REGION}c"],
            "nat": "per-zone",
            "interfaceEndpoints": True,
            "flowLogDays": 0,
        },
        "cluster": {
            "name": "other",
            "version": "1.36",
            "publicAccessCidrs": ["198.51.100.0/24"],
            "adminArns": [arn("iam", "role/other", region="")],
            "logDays": 30,
            "autoscaler": True,
            "addonVersions": {"coredns": "v1.12.4-eksbuild.9"},
        },
        "dns": {"zoneId": "ZZZZ456789ABCDEFGHIJ"},
        "certificateArn": arn("acm", f"certificate/{ID}"),
        "loadBalancer": {
            "scheme": "internal",
            "inboundCidrs": ["198.51.100.0/24"],
            "wafAclArn": arn("wafv2", f"regional/webacl/other/{ID}"),
            "idleTimeoutSeconds": 400,
            "accessLogsBucket": "other-logs",
        },
    },
    "sizing": {
        "nodes": {"count": 5, "type": "r6i.4xlarge", "diskGiB": 333},
        "clickhouseNodes": {"count": 3, "type": "r6i.4xlarge"},
    },
    "mysql": {
        "class": "db.r6g.4xlarge",
        "instances": 3,
        "version": "8.0.mysql_aurora.3.11.0",
        "backupDays": 21,
        "snapshotId": "other",
        "passwordRevision": 2,
        "applyImmediately": True,
        "maintenanceWindow": "mon:03:00-mon:04:00",
        "backupWindow": "05:00-06:00",
        "audit": True,
        "logDays": 30,
        "finalSnapshot": False,
    },
    "redis": {
        "engine": "valkey",
        "class": "cache.m6g.2xlarge",
        "replicas": 2,
        "snapshotDays": 21,
        "passwordRevision": 2,
        "applyImmediately": True,
        "maintenanceWindow": "mon:03:00-mon:04:00",
        "snapshotWindow": "05:00-06:00",
        "finalSnapshot": False,
    },
    "objectStore": {
        "noncurrentDays": 31,
        "backupBucket": True,
    },
    "instance": {"bufstream": True},
    "versions": {"loadBalancerControllerChart": "9.9.9", "loadBalancerController": "9.9.9"},
    "images": {"loadBalancerController": "mirror.example.com/controller"},
}

SPOT: dict[str, Any] = MADE | {
    "aws": MADE["aws"] | {"cluster": {"kind": "managed", "autoscaler": True, "spot": {"maxNodes": 3}}},
    "objectStore": {
        "kind": "managed",
        "replication": {"bucketArn": "arn:aws:s3:::copies", "kmsKeyArn": arn("kms", f"key/{ID}", region="eu-west-1")},
    },
}
"""A stack with an autoscaler, spot nodes and copies of its files."""

SPOT_OTHERWISE: dict[str, Any] = {
    "aws": {"cluster": {"spot": {"maxNodes": 4, "instanceTypes": ["r7i.2xlarge"]}}},
    "objectStore": {
        "replication": {
            "bucketArn": "arn:aws:s3:::other",
            "kmsKeyArn": arn("kms", f"key/{ID}", region="eu-west-2"),
            "accountId": "210987654321",
        }
    },
    "versions": {"clusterAutoscalerChart": "9.99.9"},
    "images": {"clusterAutoscaler": "mirror.example.com/autoscaler"},
}

BROUGHT: dict[str, Any] = MADE | {
    "aws": {
        "region": REGION,
        "accountId": ACCOUNT,
        "network": {
            "kind": "existing",
            "vpcId": "vpc-0a1b2c3d4e5f60718",
            "zones": [f"{REGION}{letter}" for letter in "abc"],
            "privateSubnetIds": SUBNETS[:3],
            "publicSubnetIds": SUBNETS[3:6],
        },
        "cluster": {"kind": "existing", "name": "platform"},
        "dns": {"kind": "managed", "zoneName": "wandb.example.com"},
    },
    "sizing": {"nodes": {"count": 6, "type": "r6i.8xlarge"}},
}
"""A stack in a network and a cluster that exist, which makes its hosted zone."""

BROUGHT_OTHERWISE: dict[str, Any] = {
    "aws": {
        "network": {
            "vpcId": "vpc-0f1e2d3c4b5a60718",
            "privateSubnetIds": OTHERS[:3],
            "publicSubnetIds": OTHERS[3:6],
            "databaseSubnetIds": OTHERS[6:],
        },
        "cluster": {
            "name": "other",
            "storageClass": "other",
            "loadBalancerController": "installed",
            "oidcProviderArn": arn("iam", "oidc-provider/oidc.example.com/id/OTHER", region=""),
            "clickhousePool": "dedicated=clickhouse",
        },
        "dns": {"zoneName": "example.com"},
    },
}

IN_NETWORK: dict[str, Any] = MADE | {
    "aws": BROUGHT["aws"] | {"cluster": {"kind": "managed"}, "dns": MADE["aws"]["dns"]}
}
"""A stack in a network that exists, which makes its cluster."""

IN_NETWORK_OTHERWISE: dict[str, Any] = {
    "aws": {"network": {"zones": [f"{REGION}{letter}" for letter in "abd"]}},
    "sizing": {"nodes": {"cpu": 16, "memoryGiB": 128}},
}

GOVCLOUD: dict[str, Any] = MADE | {"aws": MADE["aws"] | {"region": "us-gov-west-1"}}
"""A stack where EKS has no add-on for metrics."""

GOVCLOUD_OTHERWISE: dict[str, Any] = {
    "versions": {"metricsServerChart": "9.9.9", "metricsServer": "9.9.9"},
    "images": {"metricsServer": "mirror.example.com/metrics-server"},
}

STACKS = {
    "aws made": (MADE, MADE_OTHERWISE),
    "aws spot": (SPOT, SPOT_OTHERWISE),
    "aws brought": (BROUGHT, BROUGHT_OTHERWISE),
    "aws govcloud": (GOVCLOUD, GOVCLOUD_OTHERWISE),
    "aws network brought": (IN_NETWORK, IN_NETWORK_OTHERWISE),
}
"""By name: the settings, and another value for some of them."""
