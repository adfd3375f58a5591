"""How the real provider words what AWS refuses."""

from __future__ import annotations

import re

_SERVICES = {
    "acm": "ACM",
    "autoscaling": "Auto Scaling",
    "backup": "Backup",
    "cloudwatch": "CloudWatch",
    "ebs": "EC2",
    "ec2": "EC2",
    "eks": "EKS",
    "elasticache": "ElastiCache",
    "iam": "IAM",
    "kms": "KMS",
    "lb": "Elastic Load Balancing v2",
    "alb": "Elastic Load Balancing v2",
    "rds": "RDS",
    "route53": "Route 53",
    "s3": "S3",
    "secretsmanager": "Secrets Manager",
    "servicequotas": "Service Quotas",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "SSM",
    "vpc": "EC2",
    "wafv2": "WAFV2",
}
"""Module of a type token to the AWS SDK's name of the service."""


def service_of(token: str) -> str:
    """The AWS SDK's name of the service that a type token belongs to."""
    module = token.split(":")[1].partition("/")[0]
    if token.startswith("aws:cloudwatch/log"):
        return "CloudWatch Logs"
    return _SERVICES.get(module, module.upper())


def kind_of(token: str) -> str:
    """The type in words: `Node Group`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", token.rpartition(":")[2])
