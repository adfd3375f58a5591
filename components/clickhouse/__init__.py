"""ClickHouse for Weave, by the Altinity operator.

clickhouse  joins the rest; says what cannot go together
operator    the operator, by its Helm chart
keeper      ClickHouseKeeperInstallation: what keeps the replicas in step
server      ClickHouseInstallation: shards and their replicas
tls         certificate, authority, and what is encrypted
storage     where data, cache and the servers' own logs lie
users       the user of Weave, its password and grants
network     who may connect to whom
monitoring  what Prometheus scrapes, and alerts
probe       the Job that finds out whether ClickHouse can be used
backup      the Jobs that make backups and restore them; backup_store, backup_script, backup_user: what they need
names       what the operator calls the things it makes
pods        what the pods of servers and Keeper have in common
later       texts and fingerprints of values that may be known only during the deployment
"""

from .backup import BackupArgs
from .clickhouse import ClickHouse, ClickHouseArgs, Images, Timeouts
from .network import Access
from .operator import Chart
from .pods import Ids
from .tls import TLS, Issuer

__all__ = [
    "TLS",
    "Access",
    "BackupArgs",
    "Chart",
    "ClickHouse",
    "ClickHouseArgs",
    "Ids",
    "Images",
    "Issuer",
    "Timeouts",
]
