"""The platform on a Kubernetes cluster that exists: on-premises, OpenShift, kind, or a managed one.

    cluster    the provider for a cluster reached by kubeconfig
    mysql      MySQL in the cluster, for tests
    redis      Redis in the cluster, for tests
    bucket     an S3-compatible object store in the cluster, for tests, with its buckets
    store      what the three have in common: one replica, one volume that is kept
    platform   joins them with what the user brings

There is no network and no identity to make here: the cluster has the one, and keys in Secrets replace the other.
"""

from ..external import ExternalBuckets
from ..mysql_database import MySQLDatabase, MySQLDatabaseArgs
from .bucket import ObjectStore, ObjectStoreArgs
from .cluster import existing_cluster
from .mysql import MySQL, MySQLArgs
from .platform import Platform, PlatformArgs
from .redis import Redis, RedisArgs
from .store import Volume

__all__ = [
    "ExternalBuckets",
    "MySQL",
    "MySQLArgs",
    "MySQLDatabase",
    "MySQLDatabaseArgs",
    "ObjectStore",
    "ObjectStoreArgs",
    "Platform",
    "PlatformArgs",
    "Redis",
    "RedisArgs",
    "Volume",
    "existing_cluster",
]
