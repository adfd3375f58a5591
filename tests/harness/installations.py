"""W&B on each cloud, with each mix of products, for a test and in production: the values of its chart.

Sizes are those of the sizing plan; what a cloud's platform hands on is what its own component hands on, with plain texts.
"""

from __future__ import annotations

import itertools
from typing import Any

import sizing
from components import contracts
from components.wandb import ComponentSizing
from components.wandb.values import ValuesArgs
from tests.harness import wandb_space as space

CLOUDS: tuple[sizing.request.Target, ...] = ("aws", "gcp", "azure", "kubernetes")
MIXES = {"models": ("models",), "weave": ("weave",), "both": ("models", "weave")}
ENVIRONMENTS = ("test", "production")
EVERY = list(itertools.product(CLOUDS, MIXES, ENVIRONMENTS))

_PLATFORM: dict[str, dict[str, Any]] = {
    "aws": {
        "bucket": contracts.Bucket(
            provider="s3", name="wandb-files", region="eu-central-1", kms_key="arn:aws:kms:eu-central-1:1:key/k"
        ),
        "identity": contracts.Identity(
            service_account_annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/wandb"}
        ),
        "ingress": contracts.Ingress(class_name="wandb", load_balancer="aws"),
        "service_account_issuer": "https://oidc.eks.eu-central-1.amazonaws.com/id/1",
    },
    "gcp": {
        "bucket": contracts.Bucket(provider="gcs", name="wandb-files", region="europe-west1"),
        "identity": contracts.Identity(
            service_account_annotations={"iam.gke.io/gcp-service-account": "wandb@project.iam.gserviceaccount.com"}
        ),
        "ingress": contracts.Ingress(class_name="gce", load_balancer="gcp"),
        "service_account_issuer": "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
    },
    "azure": {
        "bucket": contracts.Bucket(
            provider="az", name="account/container", region="westeurope", keys=contracts.BucketKeys(name="storage-key")
        ),
        "identity": contracts.Identity(
            service_account_annotations={"azure.workload.identity/client-id": "00000000-0000-0000-0000-000000000000"},
            pod_labels={"azure.workload.identity/use": "true"},
        ),
        "ingress": contracts.Ingress(class_name="azure-application-gateway", tls_secret="wandb-tls"),
        "service_account_issuer": "https://westeurope.oic.prod-aks.azure.com/t/c/",
    },
    "kubernetes": {
        "bucket": space.COMPATIBLE,
        "ingress": contracts.Ingress(
            class_name="nginx", tls_secret="wandb-tls", annotations={"nginx.ingress.kubernetes.io/proxy-body-size": "0"}
        ),
    },
}


def arguments(cloud: str, mix: str, environment: str) -> ValuesArgs:
    """What the values of one installation are made of."""
    in_cluster = cloud == "kubernetes" and environment == "test"
    request: dict[str, Any] = {"environment": environment, "products": MIXES[mix], "cloud": cloud}
    planned = sizing.plan(sizing.Request(**request, in_cluster_stores=in_cluster))
    return space.arguments(
        products=frozenset(MIXES[mix]),
        size=planned.chart_size,
        components={name: made for name, each in planned.components.items() if (made := _sizing(each)) != _NOTHING},
        **_PLATFORM[cloud],
    )


_NOTHING = ComponentSizing()


def _sizing(component: sizing.Component) -> ComponentSizing:
    planned = component.resources
    resources = contracts.Resources(
        cpu_request=planned.cpu_request,
        memory_request=planned.memory_request,
        cpu_limit=planned.cpu_limit,
        memory_limit=planned.memory_limit,
    )
    return ComponentSizing(
        resources=resources if component.explicit else None,
        replicas=component.replicas if component.explicit_replicas else None,
    )
