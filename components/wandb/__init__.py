"""W&B itself: its operator, the WeightsAndBiases resource, and the proof that it answers.

inventory     which components of W&B's chart serve which product, and where they say that they are ready
chart         where a chart comes from
operator      W&B's operator, by Helm
secrets       the licence and Weave's worker token
bucket        how the chart wants a bucket written down
options       what a user may want of W&B beyond where it runs; option_values, additions: what that is in the chart's values
values        the values of W&B's chart: a pure function
chart_values  which values the chart reads, and what is wrong with a tree of them
instance      the WeightsAndBiases resource
network       who may connect to W&B's pods, its operator and the stores beside them, and whom they may connect to
monitoring    alerts on its Deployments
way_in        which path leads to which Service, what Ingress controllers are told, and the route of the Gateway API
verification  the Job that ends when W&B answers; what it runs is in verify.sh
wandb         joins them
single        W&B's server in one container instead, without operator and chart; container: what it is told
install       the one or the other
"""

from .install import install
from .network import Access, clickhouse_clients, store_pods
from .options import Options
from .single import SingleContainer, SingleContainerArgs
from .values import ComponentSizing, option_problems
from .wandb import Versions, WandB, WandBArgs

__all__ = [
    "Access",
    "ComponentSizing",
    "Options",
    "SingleContainer",
    "SingleContainerArgs",
    "Versions",
    "WandB",
    "WandBArgs",
    "clickhouse_clients",
    "install",
    "option_problems",
    "store_pods",
]
