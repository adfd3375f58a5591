"""A program with any number of W&B installations, each complete and in namespaces of its own, as a library user writes it."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes
import pulumi_random

from components import contracts
from components.clickhouse import ClickHouse, ClickHouseArgs, Images
from components.kubernetes import (
    MySQLArgs,
    ObjectStoreArgs,
    Platform,
    PlatformArgs,
    RedisArgs,
    Volume,
    existing_cluster,
)
from components.namespaces import Namespaces, NamespacesArgs
from components.wandb import WandB, WandBArgs
from tests.harness import Recording, record_function

SMALL = contracts.Resources(cpu_request="250m", memory_request="512Mi")
TOOLS = "alpine/k8s:1.35.8"


def recorded(number: int) -> Recording:
    """The program with `number` installations, as an `up` under the recorder."""
    return record_function(lambda: program(number))


def program(number: int) -> None:
    """Declares `number` installations on one cluster."""
    cluster = existing_cluster("cluster", identifier="bench", service_account_issuer="https://issuer.example.com")
    random_provider = pulumi_random.Provider("random")
    for index in range(number):
        installation(f"team{index}", cluster, random_provider)


def installation(name: str, cluster: contracts.Cluster, random_provider: pulumi_random.Provider) -> None:
    """W&B Models and Weave with every data store in the cluster."""
    namespaces = _namespaces(name, cluster.provider)
    platform = Platform(f"{name}-platform", _platform(name, cluster, random_provider, namespaces)).outputs
    if platform.clickhouse_bucket is None:
        raise AssertionError("the object store was asked for a bucket for ClickHouse")
    clickhouse = ClickHouse(
        f"{name}-clickhouse",
        ClickHouseArgs(
            cluster=cluster,
            random_provider=random_provider,
            namespaces=namespaces,
            bucket=platform.clickhouse_bucket,
            server_resources=SMALL,
            keeper_resources=SMALL,
            images=Images(hook=TOOLS),
        ),
    )
    wandb = WandB(
        f"{name}-wandb",
        WandBArgs(
            cluster=cluster,
            namespaces=namespaces,
            mysql=platform.mysql,
            redis=platform.redis,
            bucket=platform.bucket,
            ingress=platform.ingress,
            clickhouse=clickhouse.connection,
            random_provider=random_provider,
            url=f"https://{name}.example.com",
            license=pulumi.Output.secret("licence"),
            products=["models", "weave"],
            utility_image=TOOLS,
        ),
    )
    pulumi.export(f"{name}-url", wandb.url)


def _namespaces(name: str, provider: pulumi_kubernetes.Provider) -> contracts.Namespaces:
    return Namespaces(
        f"{name}-namespaces",
        NamespacesArgs(
            provider=provider, wandb=f"{name}-wandb", operator=f"{name}-operator", clickhouse=f"{name}-clickhouse"
        ),
    ).outputs


def _platform(
    name: str,
    cluster: contracts.Cluster,
    random_provider: pulumi_random.Provider,
    namespaces: contracts.Namespaces,
) -> PlatformArgs:
    volume = Volume(gib=10)
    return PlatformArgs(
        cluster=cluster,
        namespaces=namespaces,
        mysql=MySQLArgs(
            provider=cluster.provider,
            random_provider=random_provider,
            namespace=namespaces.wandb,
            image="mysql:8.4",
            resources=SMALL,
            volume=volume,
            max_connections=100,
        ),
        redis=RedisArgs(
            provider=cluster.provider,
            random_provider=random_provider,
            namespace=namespaces.wandb,
            image="redis:7",
            resources=SMALL,
            volume=volume,
        ),
        object_store=ObjectStoreArgs(
            provider=cluster.provider,
            random_provider=random_provider,
            namespaces=namespaces,
            image="chrislusf/seaweedfs:3.97",
            client_image="amazon/aws-cli:2.31.0",
            resources=SMALL,
            volume=volume,
            origin=f"https://{name}.example.com",
        ),
        ingress=contracts.Ingress(class_name="nginx"),
    )
