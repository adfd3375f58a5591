"""What W&B's chart runs for each product: one row per component that this program switches on or off.

Facts of chart `operator-wandb` 0.43.8: its values, its templates, and those of `wandb-base`, of which every component
is an instance. A component that is not in this table keeps the chart's default, which is off, and so does an optional one
that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

Product = Literal["models", "weave"]

NAME = "wandb"
"""Name of the WeightsAndBiases resource, and so of its Helm release and the prefix of every object in it. Fixed: jobs of
the chart read Secrets by this name."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component of the chart, under its name in the chart's values."""

    name: str
    image: str = "wandb/megabinary"
    """The image of its containers and init containers, without tag."""
    product: Product | None = None
    """The product that needs it; None: both do."""
    switches: tuple[str, ...]
    """Paths in the values; all of them are needed to switch it on."""
    opens_bucket: bool = False
    """Its pods carry the bucket's settings, so its service account needs the bucket's permissions."""
    ready: str | None = None
    """Port and path of its Service where it says that it is ready; None: it has no such Service."""
    own_resources: bool = False
    """The chart sets the resources of its container itself, and those win over the component's."""
    leader_election: bool = False
    """More than one replica only with a leader election among them."""
    optional: bool = False
    """Runs only where it is asked for by name."""
    reads_queue: bool = False
    """Takes its work from Kafka, or from what speaks like it."""
    weave_worker: bool = False
    """Works for Weave's trace server, and knows it by the token of the workers."""
    internal_caller: bool = False
    """Calls W&B with a token of its ServiceAccount."""
    own_version: str | None = None
    """The tag of its image, where that has a version of its own, which the chart pins; None: it is W&B's."""
    run_updates: bool = False
    """Reads the topic of run updates, for which the chart knows no port but 9092."""
    interruptible: bool = False
    """May run on nodes that are taken away at two minutes' notice: it holds nothing but a cache, and only answers what can be asked again.

    Not `api` and `weave-trace`, which only answer too: each of their pods begins with a migration of a database, and one
    that is cut off has to be mended by hand (Weave's migrator then stops at a "partially applied migration"). Not `parquet`
    and `executor`, whose work on run history takes longer; not `app` and `glue`, of which there is one that does the work.
    """

    @property
    def service_account(self) -> str:
        """The name of its service account and of its Service, where it has one."""
        return f"{NAME}-{self.name}"


COMPONENTS: tuple[Component, ...] = (
    Component(name="api", switches=("global.api.enabled",), opens_bucket=True, ready="8081/ready"),
    Component(name="app", image="wandb/local", switches=("app.install",), opens_bucket=True, ready="8080/ready"),
    Component(
        name="console",
        image="wandb/console",
        switches=("console.install",),
        ready="8082/console/api/ready",
        own_resources=True,
        interruptible=True,
    ),
    Component(
        name="frontend",
        image="wandb/frontend-nginx",
        switches=("frontend.install",),
        ready="8080/ready",
        interruptible=True,
    ),
    Component(name="glue", switches=("global.glue.enabled",), opens_bucket=True, leader_election=True),
    Component(
        name="executor", product="models", switches=("executor.install", "global.executor.enabled"), opens_bucket=True
    ),
    Component(name="parquet", product="models", switches=("parquet.install",), opens_bucket=True),
    Component(
        name="weave",
        image="wandb/weave-python",
        product="models",
        switches=("weave.install",),
        interruptible=True,
    ),
    Component(
        name="weave-trace",
        image="wandb/weave-trace",
        product="weave",
        switches=("weave-trace.install", "global.weave-trace.enabled"),
        ready="8722/traces/health",
        internal_caller=True,
    ),
    Component(
        name="anaconda2", image="wandb/anaconda2", product="models", switches=("anaconda2.install",), optional=True
    ),
    Component(name="filemeta", product="models", switches=("filemeta.install",), optional=True, opens_bucket=True),
    Component(name="filestream", product="models", switches=("filestream.install",), optional=True, opens_bucket=True),
    Component(
        name="flat-run-fields-updater",
        product="models",
        switches=("flat-run-fields-updater.install",),
        optional=True,
        opens_bucket=True,
        reads_queue=True,
        run_updates=True,
    ),
    Component(
        name="history-updater",
        product="models",
        switches=("history-updater.install",),
        optional=True,
        opens_bucket=True,
        reads_queue=True,
        run_updates=True,
    ),
    Component(
        name="mcp-server",
        image="wandb/mcp-server",
        switches=("mcp-server.install",),
        optional=True,
        ready="8080/mcp/health",
        own_version="0.3.5",
        own_resources=True,
    ),
    Component(
        name="metric-observer",
        product="models",
        switches=("metric-observer.install",),
        optional=True,
        opens_bucket=True,
        reads_queue=True,
        run_updates=True,
    ),
    Component(
        name="parquet-metadata-cache",
        product="models",
        switches=("parquet-metadata-cache.install",),
        optional=True,
        opens_bucket=True,
    ),
    Component(
        name="weave-evaluate-model-worker",
        image="wandb/weave-trace",
        product="weave",
        switches=("weave-evaluate-model-worker.install",),
        optional=True,
        reads_queue=True,
        weave_worker=True,
    ),
    Component(
        name="weave-trace-agent-scoring-worker",
        image="wandb/weave-trace",
        product="weave",
        switches=("weave-trace-agent-scoring-worker.install",),
        optional=True,
        reads_queue=True,
        weave_worker=True,
    ),
    Component(
        name="weave-trace-worker",
        image="wandb/weave-trace",
        product="weave",
        switches=("weave-trace-worker.install",),
        optional=True,
        reads_queue=True,
        weave_worker=True,
        internal_caller=True,
    ),
)

BUFSTREAM_ACCOUNT = "bufstream-service-account"
"""ServiceAccount of the bundled bufstream, which keeps its data in the bucket. A name that its chart has fixed."""


def checked(products: Collection[str]) -> frozenset[Product]:
    """`products` as a set.

    Raises ValueError when it is empty or names something else than `models` and `weave`.
    """
    known: tuple[Product, ...] = get_args(Product)
    unknown = sorted(set(products) - set(known))
    if unknown or not products:
        raise ValueError(f"products: {', '.join(unknown) or 'nothing'} given; one or both of {', '.join(known)} wanted")
    return frozenset(each for each in known if each in products)


def running(products: Collection[str], optional: Collection[str] = ()) -> tuple[Component, ...]:
    """The components that serve `products`, in the order of the table; of the optional ones those that are asked for.

    Models without Weave needs no trace server; Weave without Models needs neither the pipelines of run history and
    files (`executor`, `parquet`) nor the engine of Models' panels, which the chart calls `weave`.
    """
    return tuple(
        each
        for each in COMPONENTS
        if (each.product is None or each.product in products) and (not each.optional or each.name in optional)
    )
